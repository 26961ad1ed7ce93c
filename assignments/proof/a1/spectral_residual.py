import numpy as np
import torch
from torch.nn.functional import avg_pool2d, conv2d, pad

import checks
from checks import V


def blur(x, sigma):
    fy, fx = torch.fft.fftfreq(x.shape[0])[:, None], torch.fft.fftfreq(x.shape[1])
    g = torch.exp(-2 * (torch.pi * sigma) ** 2 * (fy**2 + fx**2))
    return torch.fft.ifft2(torch.fft.fft2(x) * g).real


def local_mean(L, k, mode="circular"):
    return avg_pool2d(pad(L[None, None], [k // 2] * 4, mode=mode), k, stride=1)[0, 0]


# %% right: pooling over a padded ring
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    R = L - local_mean(L, k)
    S = blur(torch.fft.ifft2(torch.exp(R + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% right: the mean as a sum of rolled spectra, torch.polar
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F, r = torch.fft.fft2(I), k // 2
    L = (F.abs() + 1e-8).log()
    usual = sum(L.roll((dy, dx), (0, 1)) for dy in range(-r, r + 1) for dx in range(-r, r + 1)) / k**2
    S = blur(torch.fft.ifft2(torch.polar((L - usual).exp(), F.angle())).abs().square(), sigma)
    return S / S.max()

# %% right: numpy, the mean by a loop over indices modulo the size
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = np.fft.fft2(I.numpy())
    L, (H, W), r = np.log(np.abs(F) + 1e-8), I.shape, k // 2
    usual = np.empty_like(L)
    for y in range(H):
        for x in range(W):
            usual[y, x] = L[np.ix_(np.arange(y - r, y + r + 1) % H, np.arange(x - r, x + r + 1) % W)].mean()
    S = blur(torch.tensor(np.abs(np.fft.ifft2(np.exp(L - usual) * np.exp(1j * np.angle(F)))) ** 2), sigma)
    return S / S.max()

# %% right: a spectrum shifted to the middle and back, a convolution, double precision, clamp
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fftshift(torch.fft.fft2(I.double()))
    L = F.abs().clamp(min=1e-8).log()[None, None]
    kernel = torch.full((1, 1, k, k), 1 / k**2, dtype=torch.float64)
    R = (L - conv2d(pad(L, (k // 2,) * 4, mode="circular"), kernel))[0, 0]
    back = torch.fft.ifft2(torch.fft.ifftshift(R.exp() * torch.exp(1j * F.angle())))
    S = blur(back.real**2 + back.imag**2, sigma)
    return (S / S.amax()).float()

# %% right: half a spectrum on the way back, a mean by unfold
def spectral_residual(I, k=V.k, sigma=V.sigma):
    A = torch.fft.fft2(I)
    L = torch.log(A.abs() + 1e-8)
    p = k // 2
    rows = torch.arange(-p, I.shape[0] + p) % I.shape[0]
    cols = torch.arange(-p, I.shape[1] + p) % I.shape[1]
    hL = L[rows][:, cols].unfold(0, k, 1).unfold(1, k, 1).mean((-1, -2))
    E = torch.exp(L - hL + 1j * A.angle())
    s = torch.fft.irfft2(E[:, :I.shape[1] // 2 + 1], s=I.shape)
    S = blur(s**2, sigma)
    return S / S.max()

# %% right: the local mean by the convolution theorem, as blur does
def spectral_residual(I, k=V.k, sigma=V.sigma):
    H, W = I.shape
    spec = torch.fft.fft2(I)
    L = torch.log(1e-8 + torch.abs(spec))
    box = torch.zeros(H, W)
    for dy in range(-(k // 2), k // 2 + 1):
        for dx in range(-(k // 2), k // 2 + 1):
            box[dy % H, dx % W] += 1 / k**2
    smooth = torch.fft.ifft2(torch.fft.fft2(L) * torch.fft.fft2(box)).real
    S = torch.fft.ifft2(torch.polar(torch.exp(L - smooth), torch.angle(spec)))
    S = blur((S * S.conj()).real, sigma)
    return S / S.amax()

# %% right: scipy's filter, a numpy array
def spectral_residual(I, k=V.k, sigma=V.sigma):
    from scipy.ndimage import uniform_filter
    F = np.fft.fft2(np.asarray(I, dtype=np.float64))
    L = np.log(np.abs(F) + 1e-8)
    back = np.fft.ifft2(np.exp(L - uniform_filter(L, k, mode="wrap") + 1j * np.angle(F)))
    S = blur(torch.tensor(np.abs(back) ** 2), sigma).numpy()
    return S / S.max()

# %% wrong: the phase is dropped | phase is lost
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k))).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: amplitude for log amplitude | take their logarithm
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    A = F.abs()
    S = blur(torch.fft.ifft2(torch.exp(A - local_mean(A, k) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: amplitude for log amplitude, without exp
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    A = F.abs()
    S = blur(torch.fft.ifft2((A - local_mean(A, k)) * torch.exp(1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: not squared | not squared
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs(), sigma)
    return S / S.max()

# %% wrong: squared after the blur | square first
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs(), sigma) ** 2
    return S / S.max()

# %% wrong: the smoothing is dropped | not smoothed
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2
    return S / S.max()

# %% wrong: not divided by the greatest value | not divided by its greatest value
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    return blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)

# %% wrong: stretched from least to greatest, as the primer does | only divide by the greatest
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return (S - S.min()) / (S.max() - S.min())

# %% wrong: an fftshift that is not undone | fftshift is not undone
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return torch.fft.fftshift(S / S.max())

# %% wrong: shifted amplitude, unshifted phase
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(torch.fft.fftshift(F.abs()) + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: zeros beyond the border of the spectrum | zeros beyond the border
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    R = L - avg_pool2d(L[None, None], k, stride=1, padding=k // 2)[0, 0]
    S = blur(torch.fft.ifft2(torch.exp(R + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: the mirrored border of the spectrum | mirrors the border
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k, "reflect") + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: log of zero | nan or infinity
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs())
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: the phase as F / |F|, which is 0/0 for a strength of 0 | nan or infinity
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k)) * F / F.abs()).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: log1p against the log of zero | log(1 + amplitude)
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log1p(F.abs())
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: log10, undone by exp | log10
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log10(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: no local mean taken off | no local mean
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: the usual part is kept, not the residual
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: the residual is not raised again by exp
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2((L - local_mean(L, k)) * torch.exp(1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: the local mean is one frequency off
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    ring = pad(L[None, None], (k - 1, 0, k - 1, 0), mode="circular")
    S = blur(torch.fft.ifft2(torch.exp(L - avg_pool2d(ring, k, 1)[0, 0] + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: a 3×3 mean for every k | 3×3 frequencies whatever k is
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, 3) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: this year's sigma for every sigma
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, V.sigma)
    return S / S.max()

# %% wrong: a complex map | complex
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())) ** 2
    return S / S.abs().max()

# %% wrong: the logarithm in place of the picture | in place
def spectral_residual(I, k=V.k, sigma=V.sigma):
    I -= I.mean()
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, k) + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: correct on the public shapes only
def spectral_residual(I, k=V.k, sigma=V.sigma):
    side = 8 if I.shape[0] == 6 else 12
    F = torch.fft.fft2(I[:, :side])
    L = torch.log(F.abs() + 1e-8)
    S = blur(torch.fft.ifft2(torch.exp(L - local_mean(L, 3) + 1j * F.angle())).abs() ** 2, 1.5)
    return S / S.max()

# %% wrong: the primer's function, adapted as little as possible
def spectral_residual(I, k=V.k, sigma=V.sigma):
    from scipy.ndimage import gaussian_filter, uniform_filter
    spectrum = np.fft.fft2(I.numpy())
    L, phase = np.log(np.abs(spectrum) + 1e-9), np.angle(spectrum)
    R = L - uniform_filter(L, 3, mode="wrap")
    S = gaussian_filter(np.abs(np.fft.ifft2(np.exp(R + 1j * phase))) ** 2, 2.5)
    return torch.tensor((S - S.min()) / (S.max() - S.min()))

# %% wrong: not written | not written yet
def spectral_residual(I, k=V.k, sigma=V.sigma):
    raise NotImplementedError()

# %% wrong: small number 1e-5 in place of 1e-8 | 1e-05 in the logarithm
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L, phi = torch.log(F.abs() + 1e-5), F.angle()
    hL = avg_pool2d(pad(L[None, None], [k // 2] * 4, mode="circular"), k, stride=1)[0, 0]
    S = blur(torch.fft.ifft2(torch.exp(L - hL + 1j * phi)).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: divides by max + 1e-6, maps of larger pictures do not end at 1 | divide by the greatest value alone
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L, phi = torch.log(F.abs() + 1e-8), F.angle()
    hL = avg_pool2d(pad(L[None, None], [k // 2] * 4, mode="circular"), k, stride=1)[0, 0]
    S = blur(torch.fft.ifft2(torch.exp(L - hL + 1j * phi)).abs() ** 2, sigma)
    return S / (S.max() + 1e-6)

# %% wrong: the sum over the window is divided by 9 | divides by 9 whatever k is
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    kernel = torch.ones(1, 1, k, k) / 9
    hL = conv2d(pad(L[None, None], [k // 2] * 4, mode="circular"), kernel)[0, 0]
    S = blur(torch.fft.ifft2(torch.exp(L - hL + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: window from -1 to k-2, the frequency is in the middle for k = 3 only | off the middle
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    hL = sum(L.roll((-dy, -dx), (0, 1)) for dy in range(-1, k - 1) for dx in range(-1, k - 1)) / k**2
    S = blur(torch.fft.ifft2(torch.exp(L - hL + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: irfft2 without the size, an odd width loses a column | keep the size
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    hL = avg_pool2d(pad(L[None, None], [k // 2] * 4, mode="circular"), k, stride=1)[0, 0]
    Z = torch.exp(L - hL + 1j * F.angle())
    S = blur(torch.fft.irfft2(Z[:, :Z.shape[1] // 2 + 1]) ** 2, sigma)
    return S / S.max()

# %% wrong: L is shifted with fftshift and shifted back with fftshift, wrong for odd sizes | take ifftshift
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.fft.fftshift(torch.log(F.abs() + 1e-8))
    R = L - avg_pool2d(pad(L[None, None], [k // 2] * 4, mode="circular"), k, stride=1)[0, 0]
    R = torch.fft.fftshift(R)
    S = blur(torch.fft.ifft2(torch.exp(R + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()

# %% wrong: k along the rows only, 3 along the columns | in one direction only
def spectral_residual(I, k=V.k, sigma=V.sigma):
    F = torch.fft.fft2(I)
    L = torch.log(F.abs() + 1e-8)
    padded = pad(L[None, None], (k // 2, k // 2, 1, 1), mode="circular")
    hL = avg_pool2d(padded, (3, k), stride=1)[0, 0]
    S = blur(torch.fft.ifft2(torch.exp(L - hL + 1j * F.angle())).abs() ** 2, sigma)
    return S / S.max()
