package sightline.connect;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.storage.Converter;

/**
 * Avro values in the Confluent framing (0, four bytes of schema id, Avro binary), read with the
 * writer's schema out of a folder: schema N is the file {@code N-name.avsc} in {@code schemas.dir}.
 *
 * <p>Whatever is wrong with a value is a {@link DataException}, so that {@code errors.tolerance=all}
 * sends the record to the dead-letter topic. A null value (a tombstone) stays null.
 */
public final class SchemaFolderConverter implements Converter {
    static final String SCHEMAS_DIR = "schemas.dir";
    private static final int HEADER_BYTES = 5;

    private SchemaFolder schemas;

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        Object directory = configs.get(SCHEMAS_DIR);
        if (directory == null) {
            throw new org.apache.kafka.common.config.ConfigException(
                    SCHEMAS_DIR, null, "name the folder that holds the N-name.avsc files");
        }
        schemas = new SchemaFolder(Path.of(directory.toString()));
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef().define(SCHEMAS_DIR, ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE,
                ConfigDef.Importance.HIGH, "Folder of the writer schemas, N-name.avsc for schema id N");
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
        if (value == null) {
            return SchemaAndValue.NULL;
        }
        if (value.length < HEADER_BYTES || value[0] != 0) {
            throw new DataException("not Confluent framing: " + value.length + " bytes on " + topic
                    + " do not begin with a zero byte and a schema id");
        }
        int id = ByteBuffer.wrap(value, 1, 4).getInt();
        SchemaFolder.Entry entry = schemas.byId(id);
        BinaryDecoder decoder = DecoderFactory.get()
                .binaryDecoder(value, HEADER_BYTES, value.length - HEADER_BYTES, null);
        try {
            Object decoded = new GenericDatumReader<>(entry.avro()).read(null, decoder);
            if (!decoder.isEnd()) {
                throw new DataException("bytes left over after a value of schema " + id + " on " + topic);
            }
            return new SchemaAndValue(entry.connect(), AvroToConnect.value(decoded, entry.avro(), entry.connect()));
        } catch (IOException | AvroRuntimeException | IndexOutOfBoundsException | ClassCastException
                | UnsupportedOperationException e) {
            throw new DataException("cannot decode a value of schema " + id + " on " + topic + ": " + e, e);
        }
    }

    /** Sinks only read; a source that writes Avro is not part of Sightline. */
    @Override
    public byte[] fromConnectData(String topic, Schema schema, Object value) {
        throw new DataException("SchemaFolderConverter only reads; use another converter to write " + topic);
    }
}
