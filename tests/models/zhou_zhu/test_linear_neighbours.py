"""The neighbour regressions as networks: the paper's system, and the guided one that works with few hints."""

import numpy as np
import pytest
import torch

from colorize_cli.models.zhou_zhu.linear_neighbours import LinearNeighbours

AVERAGE = (0.0, 0.25, 0.0, 0.25, 0.25, 0.0, 0.25, 0.0)


def network(solver="guided", total=1.0):
    net = LinearNeighbours(solver)
    net.weight[0, 8:16] = net.weight[1, 16:24] = torch.tensor(AVERAGE, dtype=torch.float64) * total
    return net


def hints(shape, share, ab=(40.0, -20.0)):
    mask = (torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(0)) < share).float()
    return torch.tensor(ab)[None, :, None, None] * mask, mask


def test_the_papers_system_holds_for_every_unknown_pixel():
    net = network("paper", 0.9)
    net.weight[0, 2], net.weight[1, 24], net.weight[0, 20] = 0.01, 0.02, 0.05
    net.intercept[:] = torch.tensor([0.5, -0.25])
    light = torch.rand(1, 1, 12, 15, generator=torch.Generator().manual_seed(1)) * 100
    given, mask = hints((12, 15), 0.3)
    ab = net.chroma(light, given, mask).double().numpy()[0]
    padded = np.pad(np.concatenate([light[0].double().numpy(), ab]), ((0, 0), (1, 1), (1, 1)))
    weight, known = net.weight.numpy(), mask[0, 0].numpy() > 0
    for y in range(12):
        for x in range(15):
            around = [
                padded[c, y + dy, x + dx] for c in range(3) for dy in range(3) for dx in range(3) if dy != 1 or dx != 1
            ]
            wanted = weight @ np.array([*around, padded[0, y + 1, x + 1]]) + net.intercept.numpy()
            assert known[y, x] or ab[:, y, x] == pytest.approx(wanted, abs=2e-3)
    assert ab[:, known] == pytest.approx(given[0].double().numpy()[:, known])


def test_the_papers_tiles_know_nothing_of_each_other():
    net = network("paper")
    given, mask = torch.zeros(1, 2, 40, 150), torch.zeros(1, 1, 40, 150)
    given[..., 20, 20], mask[..., 20, 20] = 50, 1
    ab = net.chroma(torch.full((1, 1, 40, 150), 50.0), given, mask)
    assert ab[..., :100].abs().max() > 40
    assert ab[..., 100:].abs().max() < 1e-6


@pytest.mark.parametrize("total", [0.98, 1.01])
def test_a_few_hints_color_everything_whatever_the_weights_sum_to(total):
    net = network(total=total)
    given, mask = torch.zeros(1, 2, 60, 80), torch.zeros(1, 1, 60, 80)
    given[:, 0, 30, 40], mask[..., 30, 40] = 50, 1
    ab = net.chroma(torch.full((1, 1, 60, 80), 50.0), given, mask)
    assert (ab[:, 0] - 50).abs().max() < 1
    assert ab[:, 1].abs().max() < 1e-3


def test_negative_weights_do_not_reach_the_guided_system():
    net = network()
    net.weight[0, 8] = net.weight[1, 16] = -0.2
    weights = net.neighbour_weights()
    assert weights.min() == 0 and weights.sum() == pytest.approx(1)


def test_without_hints_the_guided_network_answers_gray():
    assert not network().chroma(torch.rand(2, 1, 9, 7) * 100).any()


def test_each_picture_of_a_batch_has_its_own_hints():
    given, mask = hints((20, 20), 0.1)
    light = torch.full((2, 1, 20, 20), 50.0)
    both = network().chroma(light, torch.cat([given, -given]), mask.expand(2, -1, -1, -1))
    assert torch.allclose(both[0], -both[1], atol=1e-2)
    assert both[0, 0].mean() > 35


def test_the_system_can_be_chosen_when_colorizing():
    light = torch.rand(1, 1, 12, 15, generator=torch.Generator().manual_seed(1)) * 100
    given, mask = hints((12, 15), 0.3)
    for trained, other in (("guided", "paper"), ("paper", "guided")):
        steps = 400.0 if other == "paper" else 0.0
        found = network(trained, 0.9).chroma(light, given, mask, paper_iterations=steps)
        assert torch.equal(found, network(other, 0.9).chroma(light, given, mask))


def test_fewer_steps_of_the_papers_solver_give_another_answer():
    light = torch.full((1, 1, 40, 40), 50.0)
    given, mask = hints((40, 40), 0.02)
    few, many = (network("paper").chroma(light, given, mask, paper_iterations=steps) for steps in (3, 300))
    assert (few - many).abs().max() > 1
