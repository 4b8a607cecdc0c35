import torch

from export.tracing.plate import green_screen_plate


def test_plate_is_a_subject_before_green_with_a_rough_hint() -> None:
    plate = green_screen_plate(135, 240)
    assert plate.dtype == torch.float32
    assert plate.shape == (1, 4, 135, 240)
    assert plate.min() >= 0
    assert plate.max() <= 1
    assert torch.equal(plate, green_screen_plate(135, 240))

    red, green, blue, hint = plate[0]
    subject, screen = hint > 0.99, hint < 0.01
    assert subject.float().mean() > 0.1
    assert screen.float().mean() > 0.3
    assert (green > 2 * red)[screen].all()
    for brightest, other in ((red, blue), (blue, red)):  # skin, jacket
        assert (brightest > other)[subject].float().mean() > 0.1
    edge = ~subject & ~screen
    assert edge.float().mean() > 0.05
