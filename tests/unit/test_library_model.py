"""The recommender's algorithms, on loans small enough to reckon by hand."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from functions.library.model import LEAST_READERS, Model
from functions.library.model.als import als, solved
from functions.library.model.blend import Choice, fold, train
from functions.library.model.card import Card
from functions.library.model.content import nearest_texts, nearest_vectors, text_vectors
from functions.library.model.ease import ease, ease_scores
from functions.library.model.interactions import Interactions, interactions, supported
from functions.library.model.knn import bm25_knn, item_knn, user_knn
from functions.library.model.learning import learn
from functions.library.model.measures import figures, ranked
from functions.library.model.popularity import popularity
from functions.library.model.store import packed, unpacked
from functions.library.model.validation import split

Pairs = list[tuple[int, int]]


def loans(pairs: Pairs, days: list[float] | None = None) -> Interactions:
    readers, titles = zip(*pairs, strict=True)
    return interactions(readers, [f"t{title}" for title in titles], None if days is None else np.array(days))


# Readers 0-2 have t0 and t1, reader 3 has t1 and t2, reader 4 has t2 alone.
SMALL = loans([(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 1), (3, 2), (4, 2)])


def synthetic(readers: int = 240, seed: int = 0) -> Interactions:
    """Readers of three tastes, thirty titles each; 12 loans a reader, on days in order."""
    chance = np.random.default_rng(seed)
    who = np.repeat(np.arange(readers), 12)
    what = chance.integers(0, 30, len(who)) + who % 3 * 30
    return interactions(who, [f"t{one}" for one in what], chance.integers(0, 300, len(who)).astype(float))


def test_a_loan_counts_once_at_its_first_day() -> None:
    found = loans([(0, 1), (0, 0), (0, 1), (1, 1)], [5, 3, 4, 9])
    assert found.titles.tolist() == ["t0", "t1"]
    assert found.matrix.toarray().tolist() == [[1, 1], [0, 1]]
    assert found.days is not None
    assert found.days.tolist() == [3, 4, 9]
    assert found.loans.tolist() == [1, 2]


def test_pairs_are_counted_by_distinct_readers() -> None:
    assert supported(SMALL.matrix, 1).toarray().tolist() == [[0, 3, 0], [3, 0, 1], [0, 1, 0]]
    assert supported(SMALL.matrix, 2).toarray().tolist() == [[0, 3, 0], [3, 0, 0], [0, 0, 0]]


def test_a_person_under_two_keys_is_not_counted_twice() -> None:
    readers = ["2025-a", "2025-b", "2025-c", "2026-x", "2026-y"]  # b and c may be x and y
    seen = interactions([one for one in readers for _ in range(2)], ["t0", "t1"] * 5, keyed=True)
    assert supported(seen.matrix, 1).toarray()[0, 1] == 5
    assert supported(seen.matrix, 1, seen.keys).toarray()[0, 1] == 3


def test_a_title_of_few_people_under_several_keys_is_not_popular() -> None:
    readers = ["2024-a", "2025-b", "2026-c", "2025-d", "2026-e"]  # two people may be all of them
    seen = interactions(readers, ["t0"] * 5, keyed=True)
    assert seen.loans.tolist() == [5]
    assert seen.people.tolist() == [2]
    assert train(seen)[0].loans.tolist() == [0]


def test_loans_of_a_title_are_served_in_steps_of_five() -> None:
    readers = [f"2026-{one}" for one in range(9)]
    seen = interactions(readers + readers[:4], ["t0"] * 9 + ["t1"] * 4, keyed=True)
    assert train(seen)[0].loans.tolist() == [5, 0]


def test_cosine_neighbours() -> None:
    # t0 has 3 readers, t1 4, t2 2: cos(t0, t1) = 3 / sqrt(12), cos(t1, t2) = 1 / sqrt(8).
    full = item_knn(SMALL.matrix, neighbours=2).toarray()
    assert full[0, 1] == pytest.approx(3 / 12**0.5)
    assert full[2, 1] == pytest.approx(1 / 8**0.5)
    assert full[0, 2] == 0
    # Each target keeps its nearest: t1 keeps t0, so t2 as a source leads nowhere.
    assert item_knn(SMALL.matrix, neighbours=1).toarray()[2].tolist() == [0, 0, 0]
    only = item_knn(SMALL.matrix, neighbours=2, allowed=supported(SMALL.matrix, 2)).toarray()
    assert only[1, 2] == 0
    assert only[0, 1] == pytest.approx(3 / 12**0.5)


def test_a_heavy_reader_says_less_under_damping_and_bm25() -> None:
    heavy = loans([(0, title) for title in range(9)] + [(1, 0), (1, 1), (2, 0), (2, 2)])
    plain = item_knn(heavy.matrix, neighbours=9)
    for damped in (item_knn(heavy.matrix, neighbours=9, damping=1.0), bm25_knn(heavy.matrix, neighbours=9)):
        # t1 and t0 share a light reader as well, t1 and t2 the heavy one alone.
        assert damped[1, 2] / damped[1, 0] < plain[1, 2] / plain[1, 0]


def test_user_knn_asks_the_nearest_readers() -> None:
    scores = user_knn(SMALL.matrix, SMALL.matrix[3], neighbours=1).toarray()[0]
    # Reader 4 (cosine 1 / sqrt 2) is nearer to reader 3 than 0-2 (1 / 2).
    assert scores.tolist() == pytest.approx([0, 0, 1 / 2**0.5])


@pytest.mark.parametrize("shape", [(12, 30), (60, 8)], ids=["fewer readers", "fewer titles"])
def test_ease_is_its_formula_in_both_shapes(shape: tuple[int, int]) -> None:
    dense = (np.random.default_rng(1).random(shape) < 0.3).astype(np.float32)
    matrix = csr_matrix(dense)
    inverse = np.linalg.inv(dense.T @ dense + 7 * np.eye(shape[1]))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0)
    pairs = supported(matrix, 1)
    assert pairs.nnz
    found = ease(matrix, 7.0, pairs).toarray()
    assert np.allclose(found, np.where(pairs.toarray() > 0, wanted, 0), atol=1e-5)
    assert np.allclose(ease_scores(matrix, 7.0)(matrix), dense @ wanted, atol=1e-5)


def test_als_is_its_normal_equations_and_knows_only_supported_pairs() -> None:
    dense = (np.random.default_rng(4).random((40, 12)) < 0.4).astype(np.float32)
    matrix, unknown, penalty = csr_matrix(dense), 0.2, 0.05
    titles = np.random.default_rng(5).standard_normal((12, 3)).astype(np.float32)
    found = solved(matrix, np.zeros((40, 3), np.float32), titles, unknown, penalty)
    for row, loans_ in zip(found, dense, strict=True):
        theirs = titles[loans_ > 0]
        weight = penalty * (len(theirs) + unknown * 12)
        normal = unknown * titles.T @ titles + theirs.T @ theirs + weight * np.eye(3)
        assert np.allclose(row, np.linalg.solve(normal, theirs.sum(0)), atol=1e-3)
    pairs = supported(matrix, 7)
    weights = als(matrix, pairs, factors=4)
    assert 0 < pairs.nnz < 132
    assert not weights.toarray()[pairs.toarray() == 0].any()
    seen = synthetic()
    taste = np.array([int(id[1:]) // 30 for id in seen.titles.tolist()])
    every = als(seen.matrix, csr_matrix(np.ones((90, 90), np.float32)), factors=3).toarray()
    alike = taste[:, None] == taste
    assert every[alike].mean() > 10 * abs(every[~alike]).mean()


def test_als_joins_the_blend_only_where_it_adds_more_than_chance() -> None:
    _, choice = train(synthetic(), how="time")
    assert choice.weights["als"] == 0
    model = fold(synthetic(), {}, Choice(weights={"als": 1.0}), least=LEAST_READERS)
    assert {int(one.title[1:]) // 30 for one in model.recommend(["t1", "t2"], 5)} == {0}


def test_earlier_titles_of_a_basket_fade_in_serving_as_in_evaluation() -> None:
    seen = loans([(0, 0), (0, 1), (0, 2), (1, 2)], [5, 9, 7, 1])
    assert seen.baskets(1.0).toarray() == pytest.approx(np.array([[1 / 3, 1, 1 / 2], [0, 0, 1]]))
    assert seen.baskets(0.0) is seen.matrix
    assert loans([(0, 0)]).baskets(1.0).toarray().tolist() == [[1]]
    model = replace(train(synthetic(), how="time")[0], fading=1.0)
    basket = ["t1", "t31", "t61"]
    scores = {one.title: one.score for one in model.recommend(basket, 80)}
    columns = [model.titles.tolist().index(id) for id in basket]
    row = csr_matrix(([1 / 3, 1 / 2, 1.0], ([0, 0, 0], columns)), shape=(1, 90))
    told = model.score(row)[0]
    for title, score in scores.items():
        assert score == pytest.approx(told[model.titles.tolist().index(title)], rel=1e-4)
    assert int(next(iter(scores))[1:]) // 30 == 2
    assert int(model.recommend(basket[::-1], 1)[0].title[1:]) // 30 == 0


def test_the_latest_titles_lead_where_readers_move_on() -> None:
    chance = np.random.default_rng(7)
    who = np.repeat(np.arange(300), 12)
    # Eight titles of one taste, then four of another: what comes next is of the second.
    tastes = np.repeat(chance.integers(0, 6, (300, 2)), (8, 4), axis=1).ravel()
    what = tastes * 20 + chance.integers(0, 20, len(who))
    seen = interactions(who, [f"t{one}" for one in what], np.tile(np.arange(12.0), 300))
    assert train(seen, how="time")[1].fading > 0
    assert train(synthetic(), how="time")[1].fading == 0


def test_a_title_of_four_people_weighs_what_one_of_none_does() -> None:
    readers = [0, 1, 2, 3, *range(10, 16)]
    seen = loans([(reader, 0 if reader < 4 else 1) for reader in readers])
    assert seen.recent(None, 5).tolist() == [0, 6]
    model = fold(seen, {}, Choice(weights={"popular": 1.0}), least=LEAST_READERS)
    assert model.prior.tolist() == [0, 1]


def test_ease_leaves_the_least_borrowed_out_when_it_would_be_too_large() -> None:
    dense = (np.random.default_rng(2).random((60, 9)) < 0.4).astype(np.float32)
    dense[:, 4] = 0
    dense[:2, 4] = 1  # the least borrowed
    found = ease(csr_matrix(dense), 5.0, supported(csr_matrix(dense), 1), largest=8).toarray()
    assert not found[4].any()
    assert not found[:, 4].any()
    assert found[0, 1] != 0


def test_content_neighbours_share_what_few_have() -> None:
    authors = ["Erika Muster", "Erika Muster", "Max Beispiel", "Max Anders", ""]
    found = nearest_texts(text_vectors(authors)).toarray()
    assert found[0, 1] == pytest.approx(1, abs=1e-5)
    assert found[0, 2] == 0
    assert 0 < found[2, 3] < 0.5  # a first name is not the author
    assert not found[4].any()
    subjects = nearest_texts(text_vectors(["Garten; Boden", "Garten | Obst", "Bienen"])).toarray()
    assert subjects[0, 1] > 0
    assert subjects[0, 2] == 0


def test_vectors_of_meaning_skip_titles_without_one() -> None:
    found = nearest_vectors(np.array([[1, 0.1], [1, 0.12], [0.1, 1], [0, 0]], np.float32), 2).toarray()
    assert found[0, 1] > 0.9
    assert found[0, 2] == 0
    assert not found[3].any()
    assert not found[:, 3].any()


def test_popularity_is_between_nothing_and_the_most_borrowed() -> None:
    assert popularity(np.array([0, 3, 15])).tolist() == pytest.approx([0, 0.5, 1])
    assert popularity(np.array([0, 0])).tolist() == [0, 0]


def test_figures_by_hand() -> None:
    scores = np.array([[0.1, 0.9, 0.8, 0.7], [0.5, 0.4, 0.3, 0.2]], np.float32)
    seen = csr_matrix(np.array([[0, 1, 0, 0], [0, 0, 0, 0]], np.float32))
    wanted = csr_matrix(np.array([[1, 0, 1, 0], [0, 0, 0, 1]], np.float32))
    found = ranked(scores, seen, 4)
    assert found.tolist() == [[2, 3, 0, -1], [0, 1, 2, 3]]
    said = figures(found, wanted, np.array([3, 3, 1, 0]))
    ideal = 1 + 1 / np.log2(3)
    assert said["recall@10"] == 1
    assert said["hit@10"] == 1
    assert said["ndcg@10"] == pytest.approx(((1 + 0.5) / ideal + 1 / np.log2(5)) / 2, abs=1e-4)
    assert said["map@10"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 4) / 2, abs=1e-4)
    assert said["coverage@10"] == 1


def test_splits_hold_back_what_is_new_to_a_reader() -> None:
    seen = synthetic()
    for how in ("random", "time"):
        past, held = split(seen, how)
        assert past.nnz + held.nnz == seen.matrix.nnz
        assert past.multiply(held).nnz == 0
        assert held.nnz == pytest.approx(0.2 * seen.matrix.nnz, rel=0.15)
    assert seen.days is not None
    past, held = split(seen, "time")
    at = csr_matrix((seen.days + 1, seen.matrix.indices, seen.matrix.indptr), shape=seen.matrix.shape)
    assert at.multiply(past).max() < at.multiply(held).tocsr().data.min()
    assert split(loans([(0, 0), (1, 0), (1, 1)]), "random")[1].toarray()[0].sum() == 0  # the only loan stays


def test_a_split_by_time_says_when_there_are_no_times() -> None:
    with pytest.raises(ValueError, match="needs the time of each loan"):
        split(SMALL, "time")


def test_the_model_finds_what_belongs_together_and_says_why() -> None:
    seen = synthetic()
    model, choice = train(seen, {"author": [f"a{int(id[1:]) // 5}" for id in seen.titles.tolist()]}, how="time")
    assert choice.quality > 0.2
    found = model.recommend(["t1", "t2", "no-such-title"], 10, exclude=["t3"])
    assert {int(one.title[1:]) // 30 for one in found} == {0}
    assert not {one.title for one in found} & {"t1", "t2", "t3"}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    by_loans = next(one for one in found if one.by == "loans")
    assert set(by_loans.because) <= {"t1", "t2"}
    assert by_loans.readers is not None
    assert by_loans.readers >= LEAST_READERS
    charts = model.recommend([], 3)
    assert {one.by for one in charts} == {"popular"}
    assert [one.loans for one in charts] == sorted(model.loans.tolist(), reverse=True)[:3]


def test_what_is_borrowed_of_late_leads_where_taste_moves_on() -> None:
    chance = np.random.default_rng(3)
    who = np.repeat(np.arange(300), 12)
    days = chance.integers(0, 300, len(who)).astype(float)
    # Each taste has thirty titles, and each month another three of them are what all are reading.
    lately = (days // 30).astype(int) * 3 + chance.integers(0, 3, len(who))
    what = np.where(chance.random(len(who)) < 0.6, lately, chance.integers(0, 30, len(who))) + who % 3 * 30
    seen = interactions(who, [f"t{one}" for one in what], days)
    model, choice = train(seen, how="time")
    assert choice.half_life is not None
    assert choice.drifting > 0
    assert int(model.recommend(["t0", "t1"], 1)[0].title[1:]) % 30 // 3 in {8, 9}
    assert {int(one.title[1:]) % 30 // 3 for one in model.recommend([], 5)} <= {8, 9}
    # Where taste does not move, age is not made up.
    assert train(synthetic(), how="time")[1].half_life is None


def test_what_is_served_is_what_is_evaluated() -> None:
    model, _ = train(synthetic(), how="time")
    basket = [3, 7, 20]
    row = csr_matrix((np.ones(3, np.float32), ([0, 0, 0], basket)), shape=(1, len(model.titles)))
    order = ranked(model.score(row), row, 10)[0]
    found = model.recommend([str(model.titles[one]) for one in basket], 10)
    assert [one.title for one in found] == model.titles[order].tolist()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**16), st.integers(60, 120))
def test_no_pair_of_fewer_than_five_readers_is_served_by_loans(seed: int, readers: int) -> None:
    seen = synthetic(readers, seed)
    model, _ = train(seen, how="time", seed=seed % 7)
    dense = seen.matrix.toarray()
    common = dense.T @ dense
    rows, columns = model.by_loans.nonzero()
    assert (common[rows, columns] >= LEAST_READERS).all()
    rows, columns = model.readers.nonzero()
    assert (common[rows, columns] // 5 * 5 == np.asarray(model.readers[rows, columns]).ravel()).all()
    at = {id: place for place, id in enumerate(model.titles.tolist())}
    for basket in (["t1"], ["t1", "t31", "t61"]):
        for one in model.recommend(basket, 50):
            if one.by == "loans":
                assert all(common[at[given], at[one.title]] >= LEAST_READERS for given in one.because)
            else:
                assert one.readers is None


def test_fresh_pairs_count_from_five_readers_on() -> None:
    model, _ = train(synthetic(), how="time")
    assert "t80" not in {one.title for one in model.recommend(["t1"], 20, fresh={"t1": {"t80": 4}})}
    found = {one.title: one for one in model.recommend(["t1"], 20, fresh={"t1": {"t80": 20}})}
    assert found["t80"].by == "loans"
    assert found["t80"].because == ("t1",)
    assert found["t80"].readers == 20


def test_the_same_loans_give_the_same_version_whatever_their_order() -> None:
    seen = synthetic()
    rows, columns = seen.matrix.nonzero()
    shuffled = np.random.default_rng(5).permutation(len(rows))
    assert seen.days is not None
    again = interactions(rows[shuffled], seen.titles[columns[shuffled]], seen.days[shuffled])
    assert packed(train(seen, how="time")[0])[0] == packed(train(again, how="time")[0])[0]


def test_a_stored_model_is_the_same_model() -> None:
    model, choice = train(synthetic(), {"author": ["Muster", "Beispiel"] * 45}, how="time")
    card = Card(
        first_day=date(2026, 1, 1), last_day=date(2026, 2, 1), readers=1, titles=1, loans=1, pairs=1, content=(),
        figures={"ours": {"recall@10": 0.5}}, held_back="", choice=choice.as_dict(),
    )  # fmt: skip
    version, files = packed(model)
    again = unpacked(version, files, card)
    assert again.recommend(["t1", "t2"], 20) == model.recommend(["t1", "t2"], 20)
    assert packed(again)[0] == version
    assert "| ours | 0.5000 |" in card.text(version)


def test_a_model_from_broken_loans_does_not_replace_the_running_one() -> None:
    seen = synthetic(360)
    first = learn(seen, {}, None, None)
    assert first.better
    running = Model(**{**vars(first.model), "card": first.card.model_dump(mode="json")})
    assert learn(seen, {}, None, running).better  # the same is not worse
    rows, columns = seen.matrix.nonzero()
    assert seen.days is not None
    # Of half of the loans before the last weeks somebody mixed up who borrowed what.
    chance = np.random.default_rng(1)
    mixed = (seen.days < 250) & (chance.random(len(columns)) < 0.5)
    columns[mixed] = chance.permutation(columns[mixed])
    broken = interactions(rows, seen.titles[columns], seen.days)
    running = Model(**{**vars(first.model), "card": first.card.model_dump(mode="json") | {"last_day": "1970-09-08"}})
    worse = learn(broken, {}, None, running)
    assert not worse.better
    assert worse.card.beside_running is not None
    assert float(worse.card.beside_running["new"]) < float(worse.card.beside_running["running"])
    few = interactions(rows[::3], seen.titles[columns[::3]], seen.days[::3])
    assert not learn(few, {}, None, running).better


def test_few_loans_make_a_model_all_the_same() -> None:
    model, choice = train(loans([(reader, title) for reader in range(6) for title in range(3)]))
    assert choice.quality == 0
    assert [one.title for one in model.recommend(["t0"], 5)] == ["t1", "t2"]
