import numpy as np
import torch

import checks
from checks import V


# %% right: torch.where and argmax
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    best = int(F.argmax())
    return F[best], thresholds[best]

# %% right: a small number below the line, max with indices
def f_beta(P, R, beta2=V.beta2):
    return (1 + beta2) * P * R / (beta2 * P + R + 1e-12)

def best_f(P, R, thresholds, beta2=V.beta2):
    F, at = f_beta(P, R, beta2).max(0)
    return F.item(), float(thresholds[at])

# %% right: the weighted harmonic mean, and a loop
def f_beta(P, R, beta2=V.beta2):
    w = 1 / (1 + beta2)
    F = 1 / (w / P + (1 - w) / R)
    return torch.nan_to_num(F, nan=0.0)

def best_f(P, R, thresholds, beta2=V.beta2):
    best, at = -1.0, None
    for p, r, t in zip(P, R, thresholds):
        F = float(f_beta(p, r, beta2))
        if F > best: best, at = F, float(t)
    return best, at

# %% right: pairs and Python's max
def f_beta(P, R, beta2=V.beta2):
    above, below = (1 + beta2) * P * R, beta2 * P + R
    return above / below.clamp(min=1e-9)

def best_f(P, R, thresholds, beta2=V.beta2):
    return max(zip(f_beta(P, R, beta2).tolist(), [float(t) for t in thresholds]))

# %% right: flat loop and reshape, loop with >= (the last of equals)
def f_beta(P, R, beta2=V.beta2):
    values = []
    for p, r in zip(P.reshape(-1).tolist(), R.reshape(-1).tolist()):
        below = beta2 * p + r
        values.append((1 + beta2) * p * r / below if below > 0 else 0.0)
    return torch.tensor(values).reshape(P.shape)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    best, best_t = F[0], thresholds[0]
    for f, t in zip(F, thresholds):
        if f >= best:
            best, best_t = f, t
    return best, best_t

# %% right: boolean assignment into zeros
def f_beta(P, R, beta2=V.beta2):
    F = torch.zeros(P.shape)
    some = (P != 0) | (R != 0)
    p, r = P[some].float(), R[some].float()
    F[some] = torch.nan_to_num(p * r * (beta2 + 1) / (p * beta2 + r))
    return F

def best_f(P, R, thresholds, beta2=V.beta2):
    i = max(range(len(P)), key=lambda j: float(f_beta(P[j], R[j], beta2)))
    return f_beta(P[i], R[i], beta2), thresholds[i]

# %% wrong: β for β² | β where β² is due
def f_beta(P, R, beta2=V.beta2):
    b = beta2**0.5
    below = b * P + R
    return torch.where(below > 0, (1 + b) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: β² squared again | β⁴
def f_beta(P, R, beta2=V.beta2):
    below = beta2**2 * P + R
    return torch.where(below > 0, (1 + beta2**2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: precision and recall exchanged below the line | exchanged
def f_beta(P, R, beta2=V.beta2):
    below = P + beta2 * R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: the factor 1 + β² is missing | lacks the factor
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: F₁ | F₁
def f_beta(P, R, beta2=V.beta2):
    below = P + R
    return torch.where(below > 0, 2 * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: the literature's 0.3 | 0.3
def f_beta(P, R, beta2=0.3):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=0.3):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: the plain mean | plain mean
def f_beta(P, R, beta2=V.beta2):
    return (P + R) / 2

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: nan where both are 0 | nan for P = R = 0
def f_beta(P, R, beta2=V.beta2):
    return (1 + beta2) * P * R / (beta2 * P + R)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2).nan_to_num()
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: nan swallows the best | best F
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = (1 + beta2) * P * R / (beta2 * P + R)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: the best P with the best R | different thresholds
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    return f_beta(P.max(), R.max(), beta2), thresholds[int(f_beta(P, R, beta2).argmax())]

# %% wrong: the place for the threshold | return the threshold
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), F.argmax()

# %% wrong: best_f forgets the β² it is given | another β²
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: this year's β² for every β² | whatever it is given
def f_beta(P, R, beta2=V.beta2):
    below = V.beta2 * P + R
    return torch.where(below > 0, (1 + V.beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: the first threshold is never looked at
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F, best = f_beta(P, R, beta2), 1
    for i in range(1, len(F)):
        if F[i] > F[best]: best = i
    return F[best], thresholds[best]

# %% wrong: the last threshold is never looked at
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    best = max(range(len(F) - 1), key=lambda i: F[i])
    return F[best], thresholds[best]

# %% wrong: thresholds are taken to rise in even steps
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), 0.2 * (int(F.argmax()) + 1)

# %% wrong: one number for any shape
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0).mean()

def best_f(P, R, thresholds, beta2=V.beta2):
    F = torch.stack([f_beta(p, r, beta2) for p, r in zip(P, R)])
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: in place on precision | in place
def f_beta(P, R, beta2=V.beta2):
    above = (1 + beta2) * P * R
    below = P.mul_(beta2).add_(R)
    return torch.where(below > 0, above / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: only the best F | two things
def f_beta(P, R, beta2=V.beta2):
    below = beta2 * P + R
    return torch.where(below > 0, (1 + beta2) * P * R / below, 0)

def best_f(P, R, thresholds, beta2=V.beta2):
    return f_beta(P, R, beta2).max()

# %% wrong: the package's own | ssnet.metrics.f_measure
def f_beta(P, R, beta2=V.beta2):
    from ssnet.metrics import f_measure
    return torch.as_tensor(f_measure(np.asarray(P), np.asarray(R), beta2))

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    return F.max(), thresholds[int(F.argmax())]

# %% wrong: best_f finds the place with the year's beta2, the value with the argument | the β² that it is given
def f_beta(P, R, beta2=V.beta2):
    F = (1 + beta2) * P * R / (beta2 * P + R)
    return torch.where(P + R > 0, F, torch.zeros_like(F))

def best_f(P, R, thresholds, beta2=V.beta2):
    i = int(f_beta(P, R).argmax())
    return f_beta(P[i], R[i], beta2), thresholds[i]

# %% wrong: no threshold at all where every F is 0 | gives no threshold where every F is 0
def f_beta(P, R, beta2=V.beta2):
    F = (1 + beta2) * P * R / (beta2 * P + R)
    return torch.where(P + R > 0, F, torch.zeros_like(F))

def best_f(P, R, thresholds, beta2=V.beta2):
    best, best_t = 0, None
    for f, t in zip(f_beta(P, R, beta2), thresholds):
        if f > best: best, best_t = f, t
    return best, best_t

# %% wrong: best_f looks for the best plain mean of P and R | look for the best F
def f_beta(P, R, beta2=V.beta2):
    F = (1 + beta2) * P * R / (beta2 * P + R)
    return torch.where(P + R > 0, F, torch.zeros_like(F))

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    i = int((P + R).argmax())
    return F[i], thresholds[i]

# %% wrong: the argument beta2 is ignored, the year's value used | ignores its argument beta2
def f_beta(P, R, beta2=V.beta2):
    F = (1 + V.beta2) * P * R / (V.beta2 * P + R)
    return torch.where(P + R > 0, F, torch.zeros_like(F))

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    i = int(F.argmax())
    return F[i], thresholds[i]

# %% wrong: 1 + beta2 written as the number of this year | in place of 1 + beta2
def f_beta(P, R, beta2=V.beta2):
    F = (1 + V.beta2) * P * R / (beta2 * P + R)
    return torch.where(P + R > 0, F, torch.zeros_like(F))

def best_f(P, R, thresholds, beta2=V.beta2):
    F = f_beta(P, R, beta2)
    i = int(F.argmax())
    return F[i], thresholds[i]
