"""A folder of photos through the running system."""

import asyncio
from pathlib import Path

import pytest

from events.photos import Wishes
from functions.photos import folder
from tests.photo_scenes import saved
from tests.photography import (
    SCENE,
    Backstage,
    shows,
    studio,
)


@pytest.mark.heavy
async def test_a_folder_is_anonymised_and_its_originals_stay(backstage: Backstage, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "sub").mkdir(parents=True)
    originals = {
        source / "a.jpg": saved(SCENE),
        source / "a.png": saved(SCENE, "PNG"),
        source / "sub" / "b.txt": saved(SCENE, "PNG"),  # told by content
        source / "cut.jpg": saved(SCENE)[:2000],
        source / "notes.txt": b"no photo",
        source / ".hidden.jpg": saved(SCENE),
    }
    for path, data in originals.items():
        path.write_bytes(data)
    (source / "link.jpg").symlink_to(source / "a.jpg")
    with pytest.raises(folder.FolderError, match="outside"):
        folder.photos_in(source, source / "out")
    tasks = folder.photos_in(source, target)
    assert [task.source.name for task in tasks] == ["a.jpg", "a.png", "cut.jpg", "b.txt"]
    use = backstage()
    wishes = Wishes(mode="fast")
    async with studio(use) as shop:
        watching = asyncio.create_task(shop.watch())
        found = {one.source.name: one async for one in folder.run(tasks, wishes, use, at_once=4, patience_s=60)}
        assert {name: one.outcome for name, one in found.items()} == {
            "a.jpg": "released", "a.png": "released", "cut.jpg": "refused", "b.txt": "released",
        }  # fmt: skip
        assert found["a.jpg"].counts == {"face": 1, "plate": 1}
        written = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
        assert written == [
            "a.jpg.jpg", "a.jpg.report.json", "a.png.png", "a.png.report.json", "sub/b.png", "sub/b.report.json",
        ]  # fmt: skip
        assert not shows((target / "sub/b.png").read_bytes(), "face")
        assert {path: path.read_bytes() for path in originals} == originals
        again = [one.outcome async for one in folder.run(tasks[:2], wishes, use, at_once=4, patience_s=60)]
        assert again == ["there", "there"]
        watching.cancel()
