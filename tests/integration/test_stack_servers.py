"""Each real server: ready by a real request, back after kill -9 on the same port with what it had."""

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import boto3
import nats
import pytest
from botocore.config import Config

from infra.stack import servers
from infra.stack.ports import free_port
from infra.stack.process import Process, StartError
from shared.errors import SettingsError
from shared.settings import Settings
from tests.conftest import Launch


async def test_nats_keeps_streams_over_kill(nats_server: Launch) -> None:
    server = nats_server()
    url = server.provides["STADTFUNK_NATS__URL"]
    client = await nats.connect(url)
    jetstream = client.jetstream()
    await jetstream.add_stream(name="KEPT", subjects=["kept.>"])
    await jetstream.publish("kept.a", b"1")
    await client.close()
    server.kill()
    assert not server.running
    await server.start()
    client = await nats.connect(url)
    info = await client.jetstream().stream_info("KEPT")
    await client.close()
    assert info.state.messages == 1


async def test_s3_keeps_objects_over_kill(s3_server: Launch) -> None:
    server = s3_server()
    client = boto3.client(
        "s3",
        endpoint_url=server.provides["STADTFUNK_OBJECTS__ENDPOINT"],
        region_name="eu-central-1",
        aws_access_key_id=server.provides["STADTFUNK_OBJECTS__ACCESS_KEY"],
        aws_secret_access_key=server.provides["STADTFUNK_OBJECTS__SECRET_KEY"],
        config=Config(signature_version="s3v4"),
    )
    client.create_bucket(Bucket="kept")
    client.put_object(Bucket="kept", Key="a", Body=b"1")
    server.kill()
    await server.start()
    assert client.get_object(Bucket="kept", Key="a")["Body"].read() == b"1"
    client.close()


async def test_milvus_comes_back_after_kill(milvus_server: Launch) -> None:
    server = milvus_server()
    server.kill()
    await server.start()
    assert server.running


def test_settings_lead_to_servers_of_this_session(settings: Settings) -> None:
    assert settings.nats.server_name
    assert settings.nats.server_name.startswith("test-")
    assert settings.objects.access_key.get_secret_value() == "test-access"


async def test_stranger_on_the_port_is_not_taken_for_ours(nats_server: Launch) -> None:
    server = nats_server()
    wrong = servers.nats_server(server.server.folder, lambda _: server.port, name="another")
    with pytest.raises(SettingsError, match="not 'another'"):
        await wrong.ready()


async def test_a_taken_port_is_refused_naming_its_owner(nats_server: Launch) -> None:
    first = nats_server()
    second = Process(first.server, first.log.with_name("second.log"))
    with pytest.raises(StartError, match=f"port {first.port}, which is in use by pid {first.pid} .*nats-server"):
        await second.start()


async def test_an_answer_of_another_program_on_the_port_is_not_the_servers_own(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as stranger:

        async def ready() -> None:  # the port is taken between the look before the start and the server's own bind
            if not stranger.getsockname()[1]:
                stranger.bind((servers.HOST, port))
                stranger.listen()

        slow = servers.Server(
            name="slow", command=(sys.executable, "-c", "import time; time.sleep(60)"),
            environment={}, folder=tmp_path, ports=(port,), ready=ready, provides={},
        )  # fmt: skip
        process = Process(slow, tmp_path / "slow.log")
        try:
            with pytest.raises(StartError, match=f"slow needs port {port}, which pid {os.getpid()} .* took while"):
                await process.start()
        finally:
            process.kill()


async def test_a_server_that_ends_says_its_last_lines(tmp_path: Path) -> None:
    broken = replace(servers.nats_server(tmp_path, lambda _: free_port()), command=(sys.executable, "-c", "1/0"))
    with pytest.raises(StartError, match=r"(?s)nats ended with status 1 .*ZeroDivisionError"):
        await Process(broken, tmp_path / "broken.log").start()
