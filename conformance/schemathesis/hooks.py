"""What Schemathesis does differently here; it is named in SCHEMATHESIS_HOOKS."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """A list that is watched does not end by itself: it is asked for as a list. Streams have tests of their own."""
    if str((case.query or {}).get("watch")).lower() == "true":
        del case.query["watch"]
