"Made from nbs/18_parallel.ipynb by tools/export.py: change the notebook, then `make export`."
from ssnet.parallel import in_parallel
from ssnet.parallel import max_over_processes
from ssnet.parallel import processes
from ssnet.parallel import rank
from ssnet.parallel import shard
from ssnet.parallel import sum_over_processes
from ssnet.parallel import world
from torch import nn
from unittest.mock import patch
import contextlib
import io
import numpy as np
import os
import socket
import subprocess
import sys


def run_processes(script, count=2, seconds=100):
    "Run a script in `count` processes, as `torchrun` does; give (exit status, output, errors) of each."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    place = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started = [subprocess.Popen([sys.executable, "-c", script], env=os.environ | place | {"RANK": str(r)}, **pipes)
               for r in range(count)]
    return [(p.returncode, out, err) for p in started for out, err in [p.communicate(timeout=seconds)]]


SHARES = """
import numpy as np
from ssnet.parallel import max_over_processes, processes, rank, shard, sum_over_processes, world
with processes():
    mine = [int(i) for i in shard(np.arange(7))]
    total = sum_over_processes(np.array([len(mine), sum(mine)]))
    print(rank(), "of", world(), "has", mine, "| together", total.tolist(), "| largest", max_over_processes(15 * rank()))
"""


ERROR = """
import sys, numpy as np
from ssnet.files import InputError
from ssnet.parallel import processes, rank, sum_over_processes
try:
    with processes():
        if rank() == 1: raise InputError("The picture x.jpg is broken.")
        sum_over_processes(np.ones(1))
except InputError as error:
    print(error); sys.exit(2)
"""


GRADIENTS = """
import torch
from torch import nn
from ssnet.parallel import in_parallel, processes, rank, same_buffers
with processes():
    net = nn.Sequential(nn.BatchNorm1d(1, affine=False), nn.Linear(1, 1))
    nn.init.constant_(net[1].weight, 5.0 + rank())
    x = torch.tensor([[1.0], [3.0]]) + 10 * rank()
    model = in_parallel(net.eval())
    model(x).mean().backward()
    net.train()(x), same_buffers(net)
    print(float(net[1].weight.detach()), round(float(net[1].weight.grad), 4), round(float(net[0].running_mean), 4))
"""


def test_two_processes_share_a_data_set_and_add_up_to_the_whole():
    "nbs/18_parallel.ipynb, cell 18"
    (status_0, out_0, err_0), (status_1, out_1, err_1) = run_processes(SHARES)
    assert status_0 == status_1 == 0, err_0 + err_1
    assert out_0.strip() == "0 of 2 has [0, 2, 4, 6] | together [7, 21] | largest 15"
    assert out_1.strip() == "1 of 2 has [1, 3, 5] | together [7, 21] | largest 15"



def test_an_error_in_one_process_ends_the_others_with_one_sentence():
    "nbs/18_parallel.ipynb, cell 20"
    (status_0, out_0, err_0), (status_1, out_1, err_1) = run_processes(ERROR)
    assert (status_0, status_1) == (2, 2), err_0 + err_1
    assert "another one ended" in out_0 and out_1.strip() == "The picture x.jpg is broken."



def test_gradients_are_the_mean_over_the_processes_and_buffers_those_of_the_first():
    "nbs/18_parallel.ipynb, cell 26"
    (status_0, out_0, err_0), (status_1, out_1, err_1) = run_processes(GRADIENTS)
    assert status_0 == status_1 == 0, err_0 + err_1
    assert out_0 == out_1 and out_0.split() == ["5.0", "7.0", "0.2"]  # (2 + 12) / 2, and 0.1 · 2: rank 0 has 1 and 3



def test_alone_every_function_gives_back_what_it_was_given():
    "nbs/18_parallel.ipynb, cell 27"
    data, array = list(range(5)), np.ones((2, 2))
    with processes():
        assert (rank(), world()) == (0, 1)
        assert shard(data) is data and sum_over_processes(array) is array and max_over_processes(15) == 15
    net = nn.Linear(2, 2)
    assert in_parallel(net) is net
    import ssnet.parallel as parallel
    for number, heard in ((0, "once\n"), (1, "")):
        out = io.StringIO()
        with patch("ssnet.parallel.rank", return_value=number), contextlib.redirect_stdout(out): parallel.say("once")
        assert out.getvalue() == heard
