"""What any file store finds, by words, by meaning and by both; the vectors of tests are near where words are shared."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.files import FileStore, FileStoreParts, Found, Point, Query, SearchMode
from jackfield.errors import CollectionNotFound, InvalidRequest
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, FileStoreFixtures, put
from jackfield.testing.contract_suites.store_fixtures import examples
from jackfield.testing.word_embedder import WordEmbedder

MODES: tuple[SearchMode, ...] = ("hybrid", "keyword", "meaning")
TYPED = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ['"', "'", "*", "(", ")", "AND", "OR", "NOT", "NEAR", "^", ":", "-", "+", "heading:", "a", "budget", "%", "_",
         "\\", ";", "--", "é", "\u0301", "字", "\0", "{", "}", "&", "|", "!", "<->", "the", "x.txt", "/"]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip


async def found(store: FileStore, text: str, **how: Any) -> tuple[Found, ...]:
    """What a search finds in the collection of the tests, unless others are named."""
    query = Query(text=text, collections=how.pop("collections", (HOME,)), **how)
    return (await store.index.search(query)).found


async def found_paths(store: FileStore, text: str, **how: Any) -> list[str]:
    """Where it is, best first."""
    return [one.path for one in await found(store, text, **how)]


@pytest.mark.asyncio
class SearchContract(FileStoreFixtures):
    """Searches that follow writes at once."""

    @pytest.mark.parametrize("mode", MODES)
    async def test_what_was_written_is_found_at_its_place(self, store: FileStore, mode: SearchMode) -> None:
        text = "Ä first line\n\nThe purple elephant sings.\n"
        await put(store, "zoo/animals.txt", text)
        await put(store, "other.txt", "Nothing of interest.")
        one = (await found(store, "purple elephant", mode=mode))[0]
        assert (one.path, one.version, one.collection) == ("zoo/animals.txt", 1, HOME)
        assert text.encode()[one.start : one.end].decode() == one.text
        assert "purple elephant" in one.text

    async def test_places_in_either_ranking_are_told(self, store: FileStore) -> None:
        await put(store, "a.txt", "purple elephant")
        await put(store, "b.txt", "green elephant")
        first, second = await found(store, "purple elephant")
        assert (first.keyword_rank, first.meaning_rank, first.path) == (1, 1, "a.txt")
        assert (second.keyword_rank, second.meaning_rank) == (2, 2)
        assert first.score > second.score
        assert first.similarity == pytest.approx(1, abs=0.01)

    @pytest.mark.parametrize("mode", MODES)
    async def test_scores_are_of_the_query_and_nothing_close_is_said(self, store: FileStore, mode: SearchMode) -> None:
        await put(store, "a.txt", "The purple elephant sings of a long and quiet evening by the river.")
        await put(store, "b.txt", "A budget for next year, with what the roof will take.")
        close = await store.index.search(Query(text="The purple elephant sings", collections=(HOME,), mode=mode))
        assert close.found[0].score > 0.4
        assert "close" not in close.notice
        far = await store.index.search(Query(text="zxqv wvut glorp flumm river", collections=(HOME,), mode=mode))
        assert all(one.score < 0.3 for one in far.found)
        assert ("Nothing here is close to 'zxqv wvut glorp flumm river'" in far.notice) == bool(far.found)

    async def test_words_are_found_in_their_other_forms_and_without_accents(self, store: FileStore) -> None:
        await put(store, "a.txt", "Two cafés were painting their walls.")
        for typed in ("cafe", "CAFÉS", "painted", "wall"):
            assert await found_paths(store, typed, mode="keyword") == ["a.txt"]

    @pytest.mark.parametrize(
        ("typed", "path"),
        [
            ("天気", "weather.txt"),
            ("東京の天気", "weather.txt"),
            ("がくせい", "students.txt"),
            ('"預算報告"', "budget.txt"),
            ("差旅费预算是多少", "simplified.txt"),
            ("고양이", "cat.txt"),
            ("PDF檔案", "file.txt"),
        ],
    )
    async def test_words_are_found_in_scripts_that_part_none(self, store: FileStore, typed: str, path: str) -> None:
        texts = {
            "weather.txt": "明日の東京の天気は晴れです。",
            "students.txt": "か\u3099くせいはとしょかんにいます。",
            "budget.txt": "本年度的預算報告已經完成。",
            "simplified.txt": "今年的差旅费预算为五万元。",
            "cat.txt": "고양이는 창가에서 잔다.",
            "file.txt": "請上傳PDF檔案。",
            "other.txt": "會議在星期二。京都。",
        }
        for name, words in texts.items():
            await put(store, name, words)
        assert (await found_paths(store, typed, mode="keyword"))[:1] == [path]
        for name in texts:
            await store.files.delete(HOME, name, actor=ANN)
        assert await found_paths(store, typed, mode="keyword") == []
        assert (await store.verify()).faults == ()

    async def test_only_newest_versions_of_files_that_are_there_are_found(self, store: FileStore) -> None:
        await put(store, "a.txt", "purple elephant")
        await put(store, "a.txt", "green mouse")
        assert await found_paths(store, "purple", mode="keyword") == []
        assert [one.version for one in await found(store, "mouse", mode="keyword")] == [2]
        await store.files.rollback(HOME, "a.txt", Point(number=1), actor=ANN)
        assert [one.version for one in await found(store, "purple", mode="keyword")] == [3]
        await store.files.delete(HOME, "a.txt", actor=ANN)
        for mode in MODES:
            assert await found(store, "purple", mode=mode) == ()
        await store.files.undelete(HOME, "a.txt", actor=ANN)
        assert [one.version for one in await found(store, "purple elephant")] == [5]

    async def test_a_file_is_found_by_its_name(self, store: FileStore) -> None:
        await put(store, "plans/old-budget.txt", "Nothing that says so.")
        await put(store, "plans/budget.txt", "Nothing here.")
        await put(store, "pictures/cat_budget.png", b"\x89PNG")
        await put(store, "talk.txt", "We talk of a budget and a budget and a budget.")
        assert (await found_paths(store, "find budget.txt"))[0] == "plans/budget.txt"
        assert (await found_paths(store, "plans/old-budget.txt", mode="keyword"))[0] == "plans/old-budget.txt"
        (picture, *_) = await found(store, "cat_budget.png")
        assert (picture.path, picture.text, picture.start, picture.end) == ("pictures/cat_budget.png", "", 0, 0)
        assert "pictures/cat_budget.png" in await found_paths(store, "cat budget", mode="keyword")
        await store.files.rename(HOME, "plans/budget.txt", "plans/money.txt", actor=ANN)
        assert (await found_paths(store, "money.txt"))[0] == "plans/money.txt"
        assert "plans/money.txt" not in await found_paths(store, "budget.txt", mode="keyword")

    async def test_below_a_folder_all_of_it_is_found_and_nothing_else(self, store: FileStore) -> None:
        for number in range(30):
            await put(store, f"many/{number}.txt", f"purple elephant number {number}")
        await put(store, "a/b/one.txt", "an elephant that is not so purple as others are")
        await put(store, "a/bc.txt", "purple elephant")
        for mode in MODES:
            assert await found_paths(store, "purple elephant", under="a/b", mode=mode) == ["a/b/one.txt"]
            assert await found_paths(store, "purple elephant", under="a/bc.txt", mode=mode) == ["a/bc.txt"]
        assert await found(store, "purple elephant", under="nowhere") == ()

    async def test_phrases_in_quotes_are_kept_together(self, store: FileStore) -> None:
        await put(store, "a.txt", "The elephant was purple.")
        await put(store, "b.txt", "The purple elephant was there.")
        assert await found_paths(store, 'where "purple elephant"', mode="keyword") == ["b.txt"]
        assert set(await found_paths(store, "where purple elephant", mode="keyword")) == {"a.txt", "b.txt"}

    async def test_a_passage_of_several_files_finds_them_and_whole_files_come_once(self, store: FileStore) -> None:
        await put(store, "a.txt", "purple elephant")
        await put(store, "b.txt", "purple elephant")
        await put(store, "long.txt", "\n\n".join(f"purple elephant {'and so on ' * 60} {at}" for at in range(6)))
        assert set(await found_paths(store, "purple elephant")) == {"a.txt", "b.txt", "long.txt"}
        assert len(await found(store, "purple elephant", limit=20)) > 3
        whole = await found_paths(store, "purple elephant", whole_files=True)
        assert sorted(whole) == ["a.txt", "b.txt", "long.txt"]

    async def test_collections_are_searched_that_are_named_and_no_others(self, store: FileStore) -> None:
        await store.collections.add("other")
        await put(store, "a.txt", "purple elephant")
        await put(store, "b.txt", "purple elephant", collection="other")
        for mode in MODES:
            assert await found_paths(store, "elephant", mode=mode) == ["a.txt"]
            both = await found(store, "elephant", mode=mode, collections=(HOME, "other"))
            assert {(one.collection, one.path) for one in both} == {(HOME, "a.txt"), ("other", "b.txt")}
        assert await found(store, "elephant", collections=()) == ()
        with pytest.raises(CollectionNotFound, match="nobodys"):
            await found(store, "elephant", collections=(HOME, "nobodys"))

    async def test_a_warmed_collection_is_searched_like_any_other(self, store: FileStore) -> None:
        await put(store, "a.txt", "purple elephant")
        await store.index.warm(HOME)
        await put(store, "b.txt", "purple elephant, a younger one")
        assert await found_paths(store, "purple elephant", mode="meaning") == ["a.txt", "b.txt"]
        with pytest.raises(CollectionNotFound, match="no collection 'nowhere'"):
            await store.index.warm("nowhere")

    async def test_ranking_again_keeps_what_was_found(self, store: FileStore) -> None:
        await put(store, "a.txt", "Elephants that are purple, and many other things besides.")
        await put(store, "b.txt", "A purple elephant.")
        assert (await found_paths(store, "purple elephant", rerank=True))[0] == "b.txt"
        assert len(await found(store, "purple elephant", rerank=True)) == 2

    async def test_without_a_model_words_find_and_the_notice_says_so(
        self, store: FileStore, parts: FileStoreParts
    ) -> None:
        assert isinstance(parts.embedder, WordEmbedder)
        parts.embedder.model = None
        await put(store, "a.txt", "purple elephant")
        for mode in MODES:
            result = await store.index.search(Query(text="elephant", collections=(HOME,), mode=mode))
            assert ([one.path for one in result.found], result.mode) == (["a.txt"], "keyword")
            assert ("model" in result.notice) == (mode != "keyword")

    @pytest.mark.parametrize("text", ["", "  ", "?!", "—", '""', "***", "%_"])
    async def test_a_query_without_a_word_is_refused(self, store: FileStore, text: str) -> None:
        with pytest.raises(InvalidRequest, match="word"):
            await found(store, text)

    @pytest.mark.parametrize("limit", [0, -1, 201])
    async def test_limits_out_of_bounds_are_refused(self, store: FileStore, limit: int) -> None:
        with pytest.raises(InvalidRequest, match="200"):
            await found(store, "elephant", limit=limit)

    @examples
    @given(typed=TYPED, rerank=st.booleans())
    async def test_whatever_is_typed_is_looked_for_or_refused(self, store: FileStore, typed: str, rerank: bool) -> None:
        home = uuid4().hex
        await store.collections.add(home)
        await put(store, "x.txt", "the budget of é and 字", collection=home)
        try:
            await found(store, typed, collections=(home,), rerank=rerank)
        except InvalidRequest as error:
            assert "word" in error.message  # noqa: PT017 - most of what is typed raises nothing
