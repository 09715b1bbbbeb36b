import socket
import subprocess
import sys

import pytest

from corpora.errors import InputError
from ui.chat.serving import listen


def test_a_taken_port_gives_way_to_the_next() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with listen("127.0.0.1", port) as second:
            assert second.getsockname()[1] > port


def test_an_address_that_is_not_ours_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"203\.0\.113\.1:7860 cannot be used"):
        listen("203.0.113.1", 7860)


def test_a_port_that_is_none_is_one_sentence() -> None:
    with pytest.raises(InputError, match="not a port"):
        listen("127.0.0.1", 70_000)


def test_sockets_of_other_families() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        with listen("::1", 0) as listener:
            assert listener.family == socket.AF_INET6
    except InputError:
        pytest.skip("no IPv6 loopback")


def test_importing_the_chat_loads_no_gradio() -> None:
    code = "import sys, ui.chat; sys.exit(bool({'gradio', 'torch', 'faiss', 'fastapi'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
