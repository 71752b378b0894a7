"""Uploads file assets to the emulated S3."""

import io
import os
import zipfile
from pathlib import Path

from emulator.cloudformation.assembly import FileAsset
from emulator.cloudformation.clients import Clients
from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.state import DeploymentState

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""One time for every entry, so that equal contents make equal archives."""


def upload(assets: tuple[FileAsset, ...], clients: Clients, state: DeploymentState) -> int:
    """Uploads what the state does not know yet and returns how many objects that were.

    An asset's key contains the hash of its contents, so what is there never changes.
    """
    uploaded = 0
    for asset in assets:
        place = f"{asset.bucket}/{asset.key}"
        if place in state.assets:
            continue
        clients.ensure_bucket(asset.bucket)
        clients.get("s3").put_object(Bucket=asset.bucket, Key=asset.key, Body=_body(asset))
        state.asset_uploaded(place)
        uploaded += 1
    return uploaded


def _body(asset: FileAsset) -> bytes:
    if not asset.source.exists():
        raise DeployError(f"asset {asset.source} does not exist: run `cdk synth` again")
    return zip_folder(asset.source) if asset.zipped else asset.source.read_bytes()


def zip_folder(folder: Path) -> bytes:
    """A folder as a zip archive that depends on its files alone."""
    sink = io.BytesIO()
    files = [
        Path(parent) / name
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
    ]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
            archive.writestr(entry, file.read_bytes())
    return sink.getvalue()
