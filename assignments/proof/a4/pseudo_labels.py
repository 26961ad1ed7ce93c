import torch
import torch.nn.functional as F
import checks
from checks import V, saliency_loss
# %% right: the source's
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = net(image).logits
    z = F.interpolate(z, image.shape[-2:], mode="bilinear", align_corners=False)
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    H = z.masked_fill(allowed[:, :, None, None] == 0, float("-inf")).softmax(1)
    confidence, label = H.nan_to_num(0.0).max(1)
    unlabelled = (confidence < threshold) | (allowed.sum(1) == 0)[:, None, None]
    return torch.where(unlabelled, ignore_index, label)
# %% right: a loop over pictures that stretches by ssnet's own resize
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    from ssnet.heads import resize
    was = net.training
    net.eval()
    with torch.no_grad(): maps = resize(net(image).logits, image.shape[-2:])
    net.train(was)
    out = []
    for z, t in zip(maps, tags):
        classes = [i + 1 for i in range(len(t)) if t[i]] if background else [i for i in range(len(t)) if t[i]]
        if background: classes = [0] + classes
        if not classes:
            out.append(torch.full(z.shape[-2:], ignore_index))
            continue
        p = torch.softmax(z[classes], 0)
        label = torch.tensor(classes)[p.argmax(0)]
        label[p.max(0).values < threshold] = ignore_index
        out.append(label)
    return torch.stack(out)
# %% right: double precision, softmax written out, renormalised after the tags
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    z = net.eval()(image).logits.detach().double()
    z = torch.nn.Upsample(size=image.shape[-2:], mode="bilinear", align_corners=False)(z)
    ones = torch.ones(len(tags), 1)
    mask = (torch.cat([ones, tags.float()], 1) if background else tags.float())[..., None, None].double()
    e = (z - z.amax(1, keepdim=True)).exp() * mask
    total = e.sum(1, keepdim=True)
    p = torch.where(total > 0, e / total, 0.0)
    best = p.amax(1)
    label = p.argmax(1)
    label[(best < threshold) | (total[:, 0] == 0)] = ignore_index
    return label.long()
# %% right: a decorated function that adds a large negative number
@torch.no_grad()
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.train(False)
    z = F.interpolate(net(image).logits, size=tuple(image.shape[2:]), mode="bilinear")
    absent = 1 - tags.to(z.dtype)
    if background: absent = torch.cat([torch.zeros_like(absent[:, :1]), absent], dim=1)
    p = torch.softmax(z - 1e9 * absent[:, :, None, None], dim=1)
    p = p * (1 - absent)[:, :, None, None]
    label = torch.argmax(p, dim=1)
    nothing = (absent.sum(1) == absent.shape[1]).view(-1, 1, 1)
    return label.masked_fill((p.max(dim=1)[0] < threshold) | nothing, ignore_index)
# %% right: minus infinity written into the logits that the network gave, without gradient
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad():
        logits = net(image).logits
        if logits.shape[-2:] != image.shape[-2:]:
            logits = F.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=False)
        allowed = tags == 1
        if background: allowed = F.pad(allowed, (1, 0), value=True)
        logits[~allowed] = float("-inf")
        confidence, label = logits.softmax(1).max(1)
        label[confidence < threshold] = ignore_index
        label[~allowed.any(1)] = ignore_index
        return label
# %% wrong: the tags are not used | not among the tags
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    confidence, label = z.softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: tags as indices, off by one | place i of the tags is class i + 1
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (0, 1), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: tags as channel numbers | label 0 is the background
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    out = torch.zeros(len(z), *image.shape[-2:], dtype=torch.int64)
    for n in range(len(z)):
        classes = sorted({0, *torch.nonzero(tags[n])[:, 0].tolist()})
        p, best = z[n, classes].softmax(0).max(0)
        out[n] = torch.tensor(classes)[best]
        out[n][p < threshold] = ignore_index
    return out
# %% wrong: the background is forgotten | the background is always allowed
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=0) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: confidence before the tags | before the tags had their say
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): H = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear").softmax(1)
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = (H * allowed[:, :, None, None]).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: absent classes get the logit 0, as in the authors' code | -inf, not 0
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = (z * allowed[:, :, None, None]).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: made in training mode | changes the network of stage 1
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: forgets the mode, as the public check sees it | network in training mode
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.train()
    z = F.interpolate(net(image).logits.detach(), image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: the label map is stretched, bilinear, like a picture | stretch the logits, bilinear, before the softmax
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = net(image).logits
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    stretch = lambda x: F.interpolate(x[:, None].float(), image.shape[-2:], mode="bilinear")[:, 0]
    label, confidence = stretch(label).round().long(), stretch(confidence)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: the label map is stretched by the nearest pixel | before the softmax and the maximum
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = net(image).logits
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return F.interpolate(label[:, None].float(), image.shape[-2:])[:, 0].long()
# %% wrong: probabilities are stretched | stretch the logits
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = net(image).logits
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    H = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1)
    confidence, label = F.interpolate(H, image.shape[-2:], mode="bilinear").max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: align_corners=True | align_corners
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear", align_corners=True)
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: correct only where the maps are as large as the picture | shape
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = net(image).logits
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: pixels at the threshold are ignored, too | exactly as sure as the threshold
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    nothing = (allowed.sum(1) == 0)[:, None, None]
    return torch.where((confidence > threshold) & ~nothing, label, ignore_index)
# %% wrong: this year's threshold is written into the code | into the code
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < V.threshold] = ignore_index
    return label
# %% wrong: the threshold is left out | ignore index
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    return z.masked_fill(allowed[:, :, None, None] == 0, -1e9).argmax(1)
# %% wrong: sure pixels are ignored | ignore the sure pixels
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence > threshold] = ignore_index
    return label
# %% wrong: 255 is written into the code | into the code
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = V.ignore
    return label
# %% wrong: no label space without a background
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = torch.cat([torch.ones(len(tags), 1), tags], 1)
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: without a background, class 0 is allowed all the same | without a background class 0 is tag 0
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags.clone()
    allowed[:, 0] = 1
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: without a background and a tag, a class is made up | ignore the whole picture
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, float("-inf")).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: the first picture's tags for all | each picture has its own tags
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    z = z.clone()
    z[:, allowed[0] == 0] = -1e9
    confidence, label = z.softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: softmax over the wrong axis
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(-1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: changes the tags in place | in place
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    tags[tags == 0] = float("-inf")
    tags[tags == 1] = 0
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    extra = F.pad(tags, (1, 0)) if background else tags
    confidence, label = (z + extra[:, :, None, None]).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label
# %% wrong: the package's own answer | write it yourself
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    from ssnet.pseudo import label_from, restrict_to_tags
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    return torch.from_numpy(label_from(restrict_to_tags(z, tags), threshold)).long()
# %% wrong: eight-bit labels, as in a PNG | int64
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label.to(torch.uint8)
# %% wrong: inference mode, whose tensors cannot be trained on | inference_mode
@torch.inference_mode()
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    z = F.interpolate(net.eval()(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label

# %% wrong: stretches by a whole factor, which misses sizes that do not divide | one label for each pixel
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad():
        z = net(image).logits
        factor = (image.shape[2] // z.shape[2], image.shape[3] // z.shape[3])
        z = F.interpolate(z, scale_factor=factor, mode="bilinear", align_corners=False)
        allowed = tags > 0
        if background: allowed = F.pad(allowed, (1, 0), value=True)
        conf, label = z.masked_fill(~allowed[:, :, None, None], float("-inf")).softmax(1).max(1)
        return torch.where(conf >= threshold, label, ignore_index)

# %% wrong: nan becomes 0, which a threshold of 0 does not catch | whatever the threshold
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad():
        z = F.interpolate(net(image).logits, size=image.shape[-2:], mode="bilinear", align_corners=False)
        allowed = tags > 0
        if background: allowed = F.pad(allowed, (1, 0), value=True)
        H = z.masked_fill(~allowed[:, :, None, None], float("-inf")).softmax(1).nan_to_num(0.0)
        conf, label = H.max(1)
        label[conf < threshold] = ignore_index
        return label

# %% wrong: a threshold below 1/2 is raised to 1/2 | is a threshold, too
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    threshold = max(threshold, 1 / 2)    # "with two classes nobody can be less sure than 1/2"
    net.eval()
    with torch.no_grad():
        z = F.interpolate(net(image).logits, size=image.shape[-2:], mode="bilinear", align_corners=False)
        allowed = tags > 0
        if background: allowed = F.pad(allowed, (1, 0), value=True)
        conf, label = z.masked_fill(~allowed[:, :, None, None], float("-inf")).softmax(1).max(1)
        return torch.where(conf >= threshold, label, ignore_index)

# %% wrong: looks at the width alone to see whether the maps are coarser | one label for each pixel
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad():
        z = net(image).logits
        if z.shape[-1] < image.shape[-1]:
            z = F.interpolate(z, size=image.shape[-2:], mode="bilinear", align_corners=False)
        allowed = tags > 0
        if background: allowed = F.pad(allowed, (1, 0), value=True)
        conf, label = z.masked_fill(~allowed[:, :, None, None], float("-inf")).softmax(1).max(1)
        return torch.where(conf >= threshold, label, ignore_index)

# %% wrong: softmax first, then renormalised: 0/0 where the network is very sure of an excluded class | rule out before the softmax
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad():
        z = F.interpolate(net(image).logits, size=image.shape[-2:], mode="bilinear", align_corners=False)
        allowed = tags.float()
        if background: allowed = F.pad(allowed, (1, 0), value=1.0)
        H = z.softmax(1) * allowed[:, :, None, None]
        H = H / H.sum(1, keepdim=True)
        conf, label = H.max(1)
        return torch.where(conf >= threshold, label, ignore_index)

# %% wrong: the tags of the whole batch together | those of the whole batch
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    tags = tags.amax(0, keepdim=True).expand_as(tags)
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    label[confidence < threshold] = ignore_index
    return label

# %% wrong: without a background, labels are counted from 1 | you count from 1
def pseudo_labels(net, image, tags, threshold=V.threshold, ignore_index=V.ignore, background=True):
    net.eval()
    with torch.no_grad(): z = F.interpolate(net(image).logits, image.shape[-2:], mode="bilinear")
    allowed = F.pad(tags, (1, 0), value=1) if background else tags
    confidence, label = z.masked_fill(allowed[:, :, None, None] == 0, -1e9).softmax(1).max(1)
    if not background: label += 1
    label[(confidence < threshold) | (allowed.sum(1) == 0)[:, None, None]] = ignore_index
    return label
