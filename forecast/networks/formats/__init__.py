"""The network formats of `forecast query`: one in each module, named in its `FORMATS`."""
