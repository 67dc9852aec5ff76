"""The 256 color classes: where they lie, what they weigh, and how a distribution over them becomes a color."""

import pytest
import torch

from colorize_cli.models.heads.color_classes import ClassDecoder, class_centers, class_weights, classes_of


def scores(**probabilities: float) -> torch.Tensor:
    """Logits (1, 256, 1, 1) with the given probabilities at classes named ``c<number>``."""
    p = torch.full((256,), 1e-9)
    for name, value in probabilities.items():
        p[int(name[1:])] = value
    return p.log().view(1, 256, 1, 1)


def test_classes_are_the_papers_evenly_spaced_values():
    stored = class_centers() + 128
    assert sorted(set(stored[:, 0].tolist())) == [8.0 + 16 * i for i in range(16)]
    assert len(stored.unique(dim=0)) == 256


def test_every_color_is_in_the_class_of_the_nearest_center():
    ab = torch.rand(1, 2, 40, 40) * 250 - 127
    nearest = torch.cdist(ab[0].flatten(1).T, class_centers()).argmin(1)
    assert torch.equal(classes_of(ab).flatten(), nearest)
    assert torch.equal(classes_of(class_centers().T[None, :, :, None]).flatten(), torch.arange(256))


def test_weights_follow_the_papers_formula():
    counts = torch.tensor([0.0, 3e5, 3e8])
    weights = class_weights(counts)
    assert weights[0] / weights[1] == pytest.approx(2.0)
    assert float((weights * counts).sum() / counts.sum()) == pytest.approx(1.0)


def test_counting_makes_rare_colors_weigh_more():
    decoder = ClassDecoder()
    common, rare = torch.full((1, 2, 9, 9), 5.0), torch.full((1, 2, 1, 1), 60.0)
    decoder.count([common, rare], pixels=10**9)
    assert decoder.weights[classes_of(rare).item()] > 4 * decoder.weights[classes_of(common)[0, 0, 0].item()]


def test_the_likeliest_class_is_taken_unless_a_temperature_asks_for_a_mean():
    decoder = ClassDecoder()
    logits = scores(c0=0.6, c255=0.4)
    assert torch.equal(decoder(logits).flatten(), class_centers()[0])
    mean = decoder(logits, temperature=1.0).flatten()
    assert torch.allclose(mean, 0.6 * class_centers()[0] + 0.4 * class_centers()[255], atol=0.1)
    sharper = decoder(logits, temperature=0.3).flatten()
    assert (sharper < mean).all() and (sharper > class_centers()[0]).all()


def test_without_vividness_the_weights_of_training_are_undone():
    decoder = ClassDecoder()
    decoder.weights[255] = 10.0
    logits = scores(c0=0.4, c255=0.6)
    assert torch.equal(decoder(logits).flatten(), class_centers()[255])
    assert torch.equal(decoder(logits, vividness=0.0).flatten(), class_centers()[0])


def test_where_nothing_stands_out_similar_colors_outvote_a_single_one():
    decoder = ClassDecoder()
    lone, group = 0, [136, 137, 152, 153]  # the group's classes touch each other
    logits = scores(c0=0.28, **{f"c{c}": 0.18 for c in group})
    assert torch.equal(decoder(logits).flatten(), class_centers()[lone])
    together = decoder(logits, fallback=0.5).flatten()
    assert torch.allclose(together, class_centers()[group].mean(0), atol=2)
    assert torch.equal(decoder(logits, fallback=0.2).flatten(), class_centers()[lone]), "sure enough"
