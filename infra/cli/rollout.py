"""``sightline models publish|withdraw|rollouts``: live updates of the models at sites."""

from __future__ import annotations

import getpass
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.cli.models_import import (
    CardOption,
    FormatOption,
    LabelsOption,
    LicenceOption,
    Said,
    SizeOption,
    WeightsArgument,
    card_for,
)
from infra.cli.targets import chosen, seconds_of
from infra.runtime.models_topic import ModelsTopic
from schemas.errors import Rejected
from schemas.records import ModelUpdate
from schemas.releases import NO_WEIGHTS, check_update, chunk_count, digest_of, release_of
from streams.inference.updating.answers import Receipts
from streams.inference.updating.downloading import is_address, shown
from streams.inference.updating.rollout import Rollout
from streams.inference.updating.waves import steps_of, waves

EXIT_STOPPED = 3

Sites = Annotated[list[str] | None, typer.Option("--site", help="A site; may be repeated.")]
Group = Annotated[str | None, typer.Option("--group", help="A group of the --groups file.")]
Groups = Annotated[
    Path | None,
    typer.Option("--groups", metavar="FILE.yaml", help="Names of groups and their sites."),
]
All = Annotated[
    bool, typer.Option("--all", help="Every site that the cloud has heard of, and later ones.")
]
Wait = Annotated[str, typer.Option("--wait", help="For the receipts of one wave: 30s, 5m, 1h.")]


def register(models: typer.Typer) -> None:
    """Add the commands to the group ``models``."""
    models.command("publish")(publish)
    models.command("withdraw")(withdraw)
    models.command("rollouts")(rollouts)


def publish(
    name: Annotated[str, typer.Option("--as", help="Name at the sites.")],
    model_file: WeightsArgument = None,
    decoding: FormatOption = None,
    card: CardOption = None,
    labels: LabelsOption = None,
    size: SizeOption = None,
    licence: LicenceOption = None,
    address: Annotated[
        str | None,
        typer.Option(help="Where sites fetch the same file; without it, it travels in chunks."),
    ] = None,
    site: Sites = None,
    group: Group = None,
    groups: Groups = None,
    everywhere: All = False,
    steps: Annotated[
        str, typer.Option("--waves", help="Sites, or shares of them, after each wave: 1,10%,100%.")
    ] = "100%",
    pause: Annotated[str, typer.Option(help="Between waves: 30s, 5m, 1h.")] = "0s",
    wait: Wait = "10m",
    back: Annotated[
        bool,
        typer.Option("--rollback-on-failure", help="Give sites what they had if one fails."),
    ] = False,
    max_answer_s: Annotated[float, typer.Option(help="Seconds that an answer may take.")] = 5.0,
    max_missing: Annotated[
        float | None, typer.Option(help="Share of the objects found before that may be missing.")
    ] = None,
    max_score_change: Annotated[
        float | None, typer.Option(help="Mean change of the scores of the same objects.")
    ] = None,
    watch: Annotated[
        str, typer.Option(help="For so long errors bring the version before back.")
    ] = "5m",
    max_error_rate: Annotated[
        float, typer.Option(help="Share of frames that may fail meanwhile.")
    ] = 0.05,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Have sites take up a model, wave by wave, and stop where one does not."""
    if address is not None and (not is_address(address) or "@" in urlsplit(address).netloc):
        raise Rejected(
            f"--address {shown(address)}: give one of http or https, without a password, for it "
            "stands in a topic that every site reads",
            reason="bad-address",
        )
    if address is not None and model_file is None:
        raise Rejected(
            "--address needs the file too, whose checksum sites insist on", reason="no-file"
        )
    text = card_for(model_file, name, Said(decoding, card, labels, size, licence))
    digest, length = NO_WEIGHTS, 0
    if model_file is not None:
        digest, length = digest_of(model_file), model_file.stat().st_size
    update = ModelUpdate(
        model=name,
        version=release_of(text, digest),
        sites=(),
        card=text,
        sha256=digest,
        size=length,
        chunks=0 if address or model_file is None else chunk_count(length),
        address=address,
        max_answer_s=max_answer_s,
        max_missing=max_missing,
        max_score_change=max_score_change,
        watch_s=seconds_of(watch),
        max_error_rate=max_error_rate,
        published_at=0,
        author=getpass.getuser(),
    )
    check_update(update)
    planned, pause_s, wait_s = steps_of(steps), seconds_of(pause), seconds_of(wait)
    bootstrap = connect(data_dir).need("cloud_kafka")
    with closing(Receipts(bootstrap)) as receipts, closing(ModelsTopic(bootstrap)) as topic:
        sites = chosen(site, group, groups, everywhere, receipts.sites)
        if address is None and model_file is not None:
            topic.send_weights(model_file, digest)
        say = partial(print, flush=True)
        going = Rollout(update, topic, receipts, say, wait_s=wait_s, pause_s=pause_s)
        if going.run(waves(sites, planned), for_all=everywhere):
            topic.tidy()
            return
        if back:
            going.put_back()
        else:
            print("it went no further; `sightline models withdraw` takes it back where it went")
        raise typer.Exit(EXIT_STOPPED)


def withdraw(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    site: Sites = None,
    group: Group = None,
    groups: Groups = None,
    everywhere: All = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Take updates of a model back: sites return to what they ran before, if they still have it."""
    bootstrap = connect(data_dir).need("cloud_kafka")
    with closing(ModelsTopic(bootstrap)) as topic:
        own = topic.own_wishes(name)
        wanted = {None, *own} if everywhere else set(chosen(site, group, groups, False, ()))
        there = [place for place in own if place in wanted]
        if not there:
            published = ", ".join(sorted(place or "all sites" for place in own)) or "no site"
            raise Rejected(
                f"no update of {name} was published for these sites, but for {published}: see "
                "`sightline models rollouts`",
                reason="no-update",
            )
        for place in there:
            topic.withdraw(own[place], place)
            print(f"withdrawn for {place or 'all sites'}: {name} {own[place].version}")
        topic.tidy()


def rollouts(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Show what each site wants of each model, what became of it, and what runs."""
    bootstrap = connect(data_dir).need("cloud_kafka")
    topic, receipts = ModelsTopic(bootstrap), Receipts(bootstrap)
    topic.close()
    receipts.close()
    table = Table(box=None)
    for column in ("model", "site", "wanted", "state", "runs", ""):
        table.add_column(column)
    for model in sorted({*topic.models, *receipts.models}):
        told = receipts.of(model)
        for place in sorted({*told, *(s for s in topic.own_wishes(model) if s is not None)}):
            wish, last = topic.wish_of(place, model), told.get(place)
            table.add_row(
                model,
                place,
                wish.version if wish else "-",
                last.state if last else "no receipt",
                last.running.release or "-" if last else "?",
                last.message if last else "",
            )
    Console().print(table)
