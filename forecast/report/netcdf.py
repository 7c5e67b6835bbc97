"""Groups of labelled arrays as one netCDF-4 file; `xarray.load_datatree` and every other netCDF library read it.

A netCDF-4 file is an HDF5 file in which a dimension is a *scale*: a dataset of the dimension's name, which the arrays
along it refer to. It is written here with h5py: the libraries above it look every scale up again for every array, which
for a hundred and fifty arrays takes longer than everything else that the file needs.

Source: The NetCDF-4/HDF5 File Format (Unidata, NetCDF Users Guide, file format specifications); CF conventions 1.11,
2.5.1 (missing data), 4.4 (dates) and 8.1 (packed data).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from h5py import Dataset
    from h5py import Group as Folder

Attributes = Mapping[str, Any]

DAYS = {"units": "days since 1970-01-01", "calendar": "proleptic_gregorian"}
COMPRESSED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
SMALL = 1000  # bytes: what is smaller is not compressed, its description takes more


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An array with the names of its dimensions, and what is said of it.

    Values are numbers, truth values, texts (of dtype object) or days (datetime64, NaT: no day). `step` is what the file
    counts numbers in, in 16 bits; None: as they are.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    attributes: Attributes = field(default_factory=dict)
    step: float | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Arrays along common dimensions: `axes` has the coordinate of every dimension, under its name."""

    axes: Mapping[str, Labelled]
    arrays: Mapping[str, Labelled]
    attributes: Attributes = field(default_factory=dict)


def as_netcdf(groups: Mapping[str, Group], attributes: Attributes) -> bytes:
    """Encode groups as one compressed netCDF-4 file; `attributes` are those of the whole.

    Raises KeyError for a dimension without a coordinate, and ValueError for an array that is not as long as it says.
    """
    import h5py

    with h5py.File.in_memory(track_order=True) as file:
        file.attrs["_NCProperties"] = f"version=2,h5py={h5py.__version__},hdf5={h5py.version.hdf5_version}"
        _describe(file, attributes)
        n_dimensions = 0
        for name, group in groups.items():
            folder = file.create_group(name, track_order=True)
            _describe(folder, group.attributes)
            scales = {axis: _written(folder, axis, labels) for axis, labels in group.axes.items()}
            for axis, scale in scales.items():
                scale.make_scale(axis)
                scale.attrs["_Netcdf4Dimid"] = np.int32(n_dimensions)
                n_dimensions += 1
            for called, array in group.arrays.items():
                written = _written(folder, called, array)
                for place, axis in enumerate(array.dims):
                    if written.shape[place] != scales[axis].shape[0]:
                        msg = f"{name}/{called}: {written.shape[place]} along {axis}, which has {scales[axis].shape[0]}"
                        raise ValueError(msg)
                    written.dims[place].attach_scale(scales[axis])
        file.flush()
        return bytes(file.id.get_file_image())


def _describe(what: Folder | Dataset, attributes: Attributes) -> None:
    for name, value in attributes.items():
        what.attrs[name] = value


def _written(folder: Folder, name: str, array: Labelled) -> Dataset:
    """Write an array with its attributes, and with those that say how it is stored."""
    import h5py

    values, stored_as = _stored(array)
    text = {"dtype": h5py.string_dtype()} if values.dtype.kind == "O" else {}
    packed = {"chunks": values.shape, **COMPRESSED} if values.nbytes > SMALL and not text else {}
    written = folder.create_dataset(name, data=values, track_order=True, **text, **packed)
    _describe(written, {**array.attributes, **stored_as})
    return written


def _stored(array: Labelled) -> tuple[NDArray[Any], Attributes]:
    """Return the numbers or texts that stand in the file for an array, and the attributes that say what they are."""
    values = array.values
    if values.dtype.kind == "M":
        no_day = np.iinfo(np.int32).min
        days = np.where(np.isnat(values), no_day, values.astype("datetime64[D]").astype(np.int64)).astype(np.int32)
        return days, {**DAYS, "_FillValue": np.int32(no_day)}
    if values.dtype.kind == "b":
        return values.astype(np.int8), {}
    if array.step is not None:
        # Below the lowest of 16 bits stands nothing: it is the sign of what is not known.
        counted = np.rint(values / array.step).astype(np.int16)
        return counted, {"scale_factor": np.float32(array.step), "_FillValue": np.iinfo(np.int16).min}
    return values, {}
