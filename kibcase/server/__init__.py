"""The embedded Kibana-compatible Cases server (extra: ``server``)."""

try:
    import starlette  # noqa: F401 - only to tell early, and in one place, that the extra is missing
    import uvicorn  # noqa: F401
except ModuleNotFoundError as error:
    needed = f"the embedded server needs {error.name}, which is not installed"
    raise ModuleNotFoundError(
        f"{needed}: pip install 'kibcase[server]'", name=error.name
    ) from error
