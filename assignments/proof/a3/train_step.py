import torch
import torch.nn.functional as F
from torch import nn

import checks

# %% right: one sum, one backward
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% right: two backwards, the gradients add up
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad(set_to_none=False)
    total = 0.0
    for i, (image, truth) in enumerate((tag_batch, saliency_batch)):
        out = net(image)
        part = weights[i] * losses[i](out.logits if i == 0 else out.S, truth)
        part.backward()
        total += part.item()
    optimizer.step()
    return total
# %% right: named parts, gradients zeroed at the end of the forward pass, a detached tensor
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net = net.train()
    (image_t, tags), (image_s, masks) = tag_batch, saliency_batch
    out_t, out_s = net(image_t), net(image_s)
    tag_loss, saliency_loss = losses
    w_c, w_s = weights
    L = w_c * tag_loss(out_t.logits, tags) + w_s * saliency_loss(out_s.S, masks)
    for group in optimizer.param_groups:
        for p in group["params"]: p.grad = None
    L.backward()
    optimizer.step()
    return L.detach()
# %% right: saliency first, a closure for the optimiser
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()

    def closure():
        optimizer.zero_grad()
        masks = losses[1](net(saliency_batch[0]).S, saliency_batch[1])
        tags = losses[0](net(tag_batch[0]).logits, tag_batch[1])
        loss = sum(w * x for w, x in zip(weights, (tags, masks)))
        loss.backward()
        return loss
    return optimizer.step(closure).item()
# %% right: the mode is put back at the end (the step itself is taken in training mode)
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    mode = net.training
    net.train()
    optimizer.zero_grad()
    L_c = losses[0](net(tag_batch[0]).logits, tag_batch[1])
    L_s = losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss = weights[0] * L_c + weights[1] * L_s
    loss.backward()
    optimizer.step()
    net.train(mode)
    return loss.item()

# %% wrong: zero_grad forgotten | zero_grad
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: zero_grad after backward | zeroed before the step
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()
# %% wrong: evaluation mode left on | evaluation mode
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: eval for train | evaluation mode
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.eval()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: step before backward | backward, then step
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss.item()
# %% wrong: no backward
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    optimizer.step()
    return loss.item()
# %% wrong: no step | not moved the weights
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    return loss.item()
# %% wrong: weights not used | weights
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: weights exchanged | exchanges
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[1] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[0] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: the tags' loss alone
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: the saliency loss alone
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: the saliency loss detached | saliency masks does not reach
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S.detach(), saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: the tags' loss without gradient | tags does not reach
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits.detach(), tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: a mean of the two losses
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss = loss / 2
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: a step for each batch | a step for each batch
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    loss = loss.detach() + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: zero_grad between the two batches | tags does not reach
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss.backward()
    optimizer.zero_grad()
    loss = loss.detach() + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: the batches joined | joins the two batches
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    out, n = net(torch.cat([tag_batch[0], saliency_batch[0]])), len(tag_batch[0])
    loss = weights[0] * losses[0](out.logits[:n], tag_batch[1]) + weights[1] * losses[1](out.S[n:], saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: the saliency loss on the pictures with tags
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(tag_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: H for the logits
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).H, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: the loss comes back with its graph | graph
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss
# %% wrong: nothing comes back | must give the total
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
# %% wrong: the gradient climbed | climbs
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    (-loss).backward()
    optimizer.step()
    return loss.item()
# %% wrong: weights moved by hand, whoever they belong to
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    with torch.no_grad():
        for p in net.parameters(): p -= 0.1 * p.grad
    return loss.item()
# %% wrong: a new optimiser in each step
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    torch.optim.SGD(net.parameters(), 0.1).step()
    return loss.item()
# %% wrong: gradients clipped without being asked
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 0.01)
    optimizer.step()
    return loss.item()
# %% wrong: pictures changed in place | in place
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train()
    tag_batch[0].mul_(0.5)
    optimizer.zero_grad()
    loss = weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1])
    loss = loss + weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()
# %% wrong: calls the package's own sum | write it yourself
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    from ssnet.losses import sum_up
    net.train()
    optimizer.zero_grad()
    parts = {"L_c": weights[0] * losses[0](net(tag_batch[0]).logits, tag_batch[1]),
             "L_s1": weights[1] * losses[1](net(saliency_batch[0]).S, saliency_batch[1])}
    loss = sum_up(parts)["total"]
    loss.backward()
    optimizer.step()
    return loss.item()

# %% wrong: frozen weights are thawed | thaws frozen weights
def train_step(net, optimizer, tag_batch, saliency_batch, losses, weights):
    net.train().requires_grad_(True)
    optimizer.zero_grad()
    L_c = losses[0](net(tag_batch[0]).logits, tag_batch[1])
    L_s = losses[1](net(saliency_batch[0]).S, saliency_batch[1])
    loss = weights[0] * L_c + weights[1] * L_s
    loss.backward()
    optimizer.step()
    return loss.item()
