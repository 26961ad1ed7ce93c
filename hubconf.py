"""What `torch.hub.load` finds in this repository; shown and tested in nbs/25_share.ipynb.

    torch.hub.load(repository, "ssnet_tiny")                  the network of the package: drawn glyphs, no photographs
    torch.hub.load(repository, "ssnet", path="my-network")    a network of yours
    torch.hub.load(repository, "ssnet", stage=2)              a new one, to be trained
"""
dependencies = ["torch", "torchvision", "numpy", "PIL", "safetensors", "tqdm"]


def ssnet_tiny():
    "The tiny network that comes with the package, ready to predict. It knows drawn glyphs, not photographs."
    from ssnet.checkpoint import load_network
    return load_network()[0]


def ssnet(path=None, **choices):
    """An SSNet. `path`: a checkpoint, a run folder, a folder of `save_pretrained`, or USER/NAME on the Hugging Face
    hub. Without it, a new network by the arguments of `ssnet.model.build_ssnet`: stage, reading, backbone, size …"""
    from pathlib import Path

    from ssnet.checkpoint import load_network
    from ssnet.files import InputError
    from ssnet.model import SSNet, build_ssnet
    if path is None:
        return build_ssnet(**choices)
    if choices:
        raise InputError(f"Give either a path or choices for a new network, not both (there is '{min(choices)}').")
    return load_network(path)[0] if Path(path).exists() else SSNet.from_pretrained(path)
