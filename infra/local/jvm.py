"""The installed JVM parts: their folders, and the command line that starts each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.local.java import Java

LOG4J = Path(__file__).with_name("log4j2.properties")
KAFKA = "kafka"
MONGO_SERVER = "mongo-server"
PLUGINS = ("debezium-jdbc", "mongo-sink", "avro")


@dataclass(frozen=True)
class Jvm:
    """A Java, the folder of installed jars, and the class data archives made for the two.

    With ``train_into`` the JVMs write such archives when they stop.
    """

    java: Java
    folder: Path
    archives: Path
    train_into: Path | None = None

    @property
    def plugins(self) -> Path:
        """The folder with one folder for each of ``PLUGINS``: Connect's ``plugin.path``."""
        return self.folder / "plugins"

    @property
    def base_archive(self) -> Path:
        """The runtime's own archive, where we had to make one. Others name it by its path."""
        return self.archives.with_name(f"base-{self.java.label}.jsa")

    def command(
        self, jars: str, main: str, *arguments: str, heap_mib: int, properties: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """Return the command that runs ``main`` of the jar folder ``jars``.

        ``properties`` are further JVM options.
        """
        class_path = sorted((self.folder / jars).glob("*.jar"))
        return (
            str(self.java.program),
            *self.java.options(heap_mib),
            *self._archive_options(main),
            f"-Dlog4j2.configurationFile={LOG4J}",
            *properties,
            "-cp",
            ":".join(str(path) for path in class_path),
            main,
            *arguments,
        )

    def _archive_options(self, main: str) -> tuple[str, ...]:
        base = self.base_archive
        name = f"{main.rpartition('.')[2]}.jsa"
        if self.train_into is not None:
            base_of = (f"-XX:SharedArchiveFile={base}",) if base.exists() else ()
            return (*base_of, f"-XX:ArchiveClassesAtExit={self.train_into / name}")
        if (self.archives / name).exists():
            both = f"{base}:" if base.exists() else ""
            return (f"-XX:SharedArchiveFile={both}{self.archives / name}",)
        return (f"-XX:SharedArchiveFile={base}",) if base.exists() else ()
