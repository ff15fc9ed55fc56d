"""Hooks of Schemathesis, named in SCHEMATHESIS_HOOKS."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """A watch does not end: it is requested as a list. Streams have separate tests."""
    if str((case.query or {}).get("watch")).lower() == "true":
        del case.query["watch"]
