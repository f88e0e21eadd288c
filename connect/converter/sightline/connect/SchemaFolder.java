package sightline.connect;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.AvroRuntimeException;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;

/** The schemas of one folder, each parsed when a record first names it. */
final class SchemaFolder {
    /** A writer schema and its Connect form. */
    record Entry(org.apache.avro.Schema avro, Schema connect) {}

    private final Path folder;
    private final Map<Integer, Entry> known = new ConcurrentHashMap<>();

    SchemaFolder(Path folder) {
        this.folder = folder;
    }

    /** @throws DataException if no file, or more than one, has the id, or the file is no schema we can map */
    Entry byId(int id) {
        Entry entry = known.get(id);
        if (entry == null) {
            entry = load(id);
            known.put(id, entry);
        }
        return entry;
    }

    private Entry load(int id) {
        List<Path> found = new ArrayList<>();
        if (id >= 0) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, id + "-*.avsc")) {
                files.forEach(found::add);
            } catch (IOException e) {
                throw new DataException("cannot read the schema folder " + folder + ": " + e, e);
            }
        }
        if (found.isEmpty()) {
            throw new DataException("unknown schema id " + id + " (no " + id + "-*.avsc in " + folder + ")");
        }
        if (found.size() > 1) {
            throw new DataException("schema id " + id + " is ambiguous: " + found);
        }
        try {
            org.apache.avro.Schema avro = new org.apache.avro.Schema.Parser().parse(Files.readString(found.get(0)));
            return new Entry(avro, AvroToConnect.schema(avro));
        } catch (IOException | AvroRuntimeException e) {
            throw new DataException("cannot use " + found.get(0) + ": " + e.getMessage(), e);
        }
    }
}
