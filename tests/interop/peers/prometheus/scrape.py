"""Scrapes a page, reads it with the client library's parser for what came, prints it as JSON."""

import json
import sys
from urllib.request import ProxyHandler, Request, build_opener

from prometheus_client import parser as text
from prometheus_client.openmetrics import parser as openmetrics


def main(url: str, accept: str) -> None:
    opener = build_opener(ProxyHandler({}))  # a page on loopback needs no proxy
    with opener.open(Request(url, headers={"accept": accept})) as response:
        content_type = response.headers["content-type"]
        page = response.read().decode()
    is_open = content_type.startswith("application/openmetrics-text")
    parser = openmetrics if is_open else text
    families = {
        family.name: {
            "type": family.type,
            "unit": family.unit,
            "help": family.documentation,
            "samples": [
                {"name": sample.name, "labels": sample.labels, "value": str(sample.value)}
                for sample in family.samples
            ],
        }
        for family in parser.text_string_to_metric_families(page)
    }
    json.dump({"content_type": content_type, "families": families}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
