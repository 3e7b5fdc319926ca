from benchmarks.endpoint import Window


def test_window_lasts_from_the_first_call_to_the_last() -> None:
    window = Window()
    for now, count in ((0.0, 5), (1.0, 5), (2.0, 8), (3.0, 8), (4.0, 15), (5.0, 15)):
        window.see(now, count)
    assert window.told() == {"writes": 10, "write_seconds": 3.0}


def test_window_without_calls_tells_nothing() -> None:
    window = Window()
    window.see(0.0, 5)
    window.see(1.0, 5)
    assert window.told() == {}
