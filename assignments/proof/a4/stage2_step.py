import torch
import torch.nn.functional as F
import checks
from checks import V, saliency_loss


def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = net(image).logits
    z = F.interpolate(z, image.shape[-2:], mode="bilinear", align_corners=False)
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    H = z.masked_fill(allowed[:, :, None, None] == 0, float("-inf")).softmax(1)
    confidence, label = H.nan_to_num(0.0).max(1)
    unlabelled = (confidence < threshold) | (allowed.sum(1) == 0)[:, None, None]
    return torch.where(unlabelled, ignore_index, label)


def segmentation_loss(logits, label, ignore_index=V.ignore):
    total = F.cross_entropy(logits, label, ignore_index=ignore_index, reduction="sum")
    return total / (label != ignore_index).sum().clamp(min=1)


# %% right: the source's
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% right: two backward passes whose gradients add up
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"], V.threshold, V.ignore)
    optimizer.zero_grad(set_to_none=False)
    net.train()
    l2 = segmentation_loss(net(tagged["image"]).logits, label)
    l2.backward()
    out = {"L_s2": l2.item()}
    if salient is not None:
        l1 = saliency_loss(net(salient["image"]), salient["saliency"])
        l1.backward()
        out["L_s1"] = l1.item()
    optimizer.step()
    return out
# %% right: written out without the parts, detached tensors returned
def stage2_step(net, teacher, optimizer, tagged, salient):
    teacher.eval()
    with torch.no_grad(): z = teacher(tagged["image"]).logits
    absent = torch.cat([torch.zeros(len(z), 1), 1 - tagged["tags"]], 1).bool()
    p, label = z.masked_fill(absent[:, :, None, None], -1e9).softmax(1).max(1)
    use = p >= V.threshold
    net = net.train()
    optimizer.zero_grad()
    log_h = net(tagged["image"]).logits.log_softmax(1)
    L_s2 = -(log_h.gather(1, label[:, None])[:, 0] * use).sum() / max(1, int(use.sum()))
    total, found = L_s2, {"L_s2": L_s2.detach()}
    if salient is not None:
        out, y = net(salient["image"]), salient["saliency"]
        L_s1 = F.nll_loss(torch.stack([out.probs[:, 0], out.saliency], 1).clamp(1e-6, 1).log(), y.long())
        total, found["L_s1"] = total + L_s1, L_s1.detach()
    total.backward()
    optimizer.step()
    return found
# %% right: saliency first, gradients cleared at the end as well
def stage2_step(net, teacher, optimizer, tagged, salient):
    net.train()
    numbers, total = {}, 0
    if salient is not None:
        l1 = checks.saliency_loss(net(salient["image"]), salient["saliency"])
        numbers["L_s1"], total = l1.item(), l1
    l2 = segmentation_loss(net(tagged["image"]).logits, pseudo_labels(teacher, tagged["image"], tagged["tags"]))
    numbers["L_s2"] = l2.item()
    net.zero_grad()
    (total + l2).backward()
    optimizer.step()
    optimizer.zero_grad()
    return numbers
# %% wrong: old gradients stay | left over from before
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: gradients cleared after backward
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    sum(losses.values()).backward()
    optimizer.zero_grad()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: no step of the optimiser | take a step
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: L_s1 moves nothing, it is only reported | only L_s2 moves the weights
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    losses["L_s2"].backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: the mean of the losses | take their sum
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    (sum(losses.values()) / len(losses)).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: the network labels itself | take the teacher's
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(net, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: ground truth leaks in | from the true masks
def stage2_step(net, teacher, optimizer, tagged, salient):
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, tagged["label"])}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: ground truth where there is one | learns from the true masks
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = tagged["label"] if "label" in tagged else pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: L_s1 of the tagged pictures | they have no saliency masks
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    out = net(tagged["image"])
    losses = {"L_s2": segmentation_loss(out.logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(out, tagged.get("saliency", salient["saliency"]))
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: the pupil stays in evaluation mode | evaluation mode
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: soft labels without detach, so gradients reach the teacher | gradients reach the teacher
def stage2_step(net, teacher, optimizer, tagged, salient):
    net.train()
    soft = teacher(tagged["image"]).logits.softmax(1)
    losses = {"L_s2": -(soft * net(tagged["image"]).logits.log_softmax(1)).sum(1).mean()}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: written out, with the teacher in training mode | training mode
def stage2_step(net, teacher, optimizer, tagged, salient):
    net.train()
    teacher.train()
    with torch.no_grad(): z = teacher(tagged["image"]).logits
    absent = torch.cat([torch.zeros(len(z), 1), 1 - tagged["tags"]], 1).bool()
    p, label = z.masked_fill(absent[:, :, None, None], -1e9).softmax(1).max(1)
    label[p < V.threshold] = V.ignore
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: the teacher is trained | stage 1
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    with torch.no_grad():
        for old, new in zip(teacher.parameters(), net.parameters()): old.lerp_(new, 0.1)
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: losses that carry their graph | .item()
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return losses
# %% wrong: nothing for the arm alone
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label),
              "L_s1": saliency_loss(net(salient["image"]), salient["saliency"])}
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: an L_s1 of zero for the arm alone | no L_s1 without saliency pictures
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label), "L_s1": torch.tensor(0.0)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: cross entropy that is nan where the teacher is unsure of all
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": F.cross_entropy(net(tagged["image"]).logits, label, ignore_index=V.ignore)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: probabilities go into the loss in place of logits
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).probs, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
# %% wrong: the package's own loss | write it yourself
def stage2_step(net, teacher, optimizer, tagged, salient):
    from ssnet.losses import pseudo_label_loss
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"], ignore_index=255)
    net.train()
    losses = {"L_s2": pseudo_label_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}

# %% wrong: the teacher is left in training mode | leaves the teacher in training mode
def stage2_step(net, teacher, optimizer, tagged, salient):
    teacher.eval()
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    teacher.train()
    net.train()
    losses = {"L_s2": segmentation_loss(net(tagged["image"]).logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(net(salient["image"]), salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}

# %% wrong: the masks are compared with the output of the tagged pictures | give the network the salient ones
def stage2_step(net, teacher, optimizer, tagged, salient):
    label = pseudo_labels(teacher, tagged["image"], tagged["tags"])
    net.train()
    out = net(tagged["image"])
    losses = {"L_s2": segmentation_loss(out.logits, label)}
    if salient is not None: losses["L_s1"] = saliency_loss(out, salient["saliency"])
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}
