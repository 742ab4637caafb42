"""Which operation answers a method and a path, for HTTP and for a notebook's comm alike."""

from __future__ import annotations

import pytest

from jupyter_modeldeploy.api import routes
from jupyter_modeldeploy.api.operations import OPERATIONS
from jupyter_modeldeploy.errors import InvalidInput, NotFound


def test_every_operation_is_found_by_its_own_path() -> None:
    for operation in OPERATIONS:
        named = dict.fromkeys(operation.path_parameters, "a")
        assert routes.find(operation.method, operation.path.format(**named)) == (operation, named)


def test_a_word_of_the_api_is_not_read_as_a_name() -> None:
    assert routes.find("POST", "models/fetch")[0].name == "fetch_model"


def test_names_in_a_path_are_unescaped_once() -> None:
    assert routes.find("GET", "versions/minilm%403")[1] == {"version": "minilm@3"}
    assert routes.find("GET", "models/a%2Fb")[1] == {"name": "a/b"}


def test_an_unknown_path_and_a_wrong_method_are_told_apart() -> None:
    with pytest.raises(NotFound, match="no nothing/here"):
        routes.find("GET", "nothing/here")
    with pytest.raises(InvalidInput, match=r"changes cannot be asked with DELETE. It can be asked with GET"):
        routes.find("DELETE", "changes")


def test_a_query_and_a_body_become_the_same_request_as_over_http() -> None:
    path, query = routes.query_of("changes?since=3&wait=2&1763780000000=")
    operation, named = routes.find("GET", path)
    assert routes.parse(operation, named, query, "").model_dump() == {"since": 3, "wait": 2}
    operation, named = routes.find("POST", "models/minilm/aliases")
    request = routes.parse(operation, named, [], '{"alias": "production", "number": 2}')
    assert request.model_dump() == {"name": "minilm", "alias": "production", "number": 2}
