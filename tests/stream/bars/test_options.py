from flotilla.stream.bars.options import Options


def test_numbers_are_texts_first_where_they_are_written_for_people():
    assert not Options().are_texts
    assert Options(thousands=",").are_texts
    assert Options(amounts=True).are_texts
