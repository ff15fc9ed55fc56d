"""Checks a SCIM server with scim2-tester, and prints one JSON object for each check."""

import json
import os

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

client = Client(
    base_url=os.environ["SCIM_URL"],
    headers={"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"},
    timeout=60,
)
for result in check_server(SyncSCIMClient(client)):
    print(
        json.dumps(
            {
                "title": result.title,
                "status": result.status.name,
                "resource": result.resource_type,
                "reason": result.reason,
            }
        )
    )
