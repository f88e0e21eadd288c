package sightline.connect;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.DataException;

/** Avro schemas and generic values turned into Connect's. Enums become strings, [null, X] an optional X. */
final class AvroToConnect {
    private static final long DAY_MS = 86_400_000L;

    private AvroToConnect() {}

    /** @throws DataException for unions other than [null, X] and for recursive records */
    static Schema schema(org.apache.avro.Schema avro) {
        return builder(avro, false, new HashSet<>()).build();
    }

    private static SchemaBuilder builder(org.apache.avro.Schema avro, boolean optional, Set<String> open) {
        SchemaBuilder builder;
        switch (avro.getType()) {
            case UNION:
                return builder(nonNull(avro), true, open);
            case RECORD:
                if (!open.add(avro.getFullName())) {
                    throw new DataException("record " + avro.getFullName() + " contains itself");
                }
                builder = SchemaBuilder.struct().name(avro.getFullName());
                for (org.apache.avro.Schema.Field field : avro.getFields()) {
                    builder.field(field.name(), builder(field.schema(), false, open).build());
                }
                open.remove(avro.getFullName());
                break;
            case ARRAY:
                builder = SchemaBuilder.array(builder(avro.getElementType(), false, open).build());
                break;
            case MAP:
                builder = SchemaBuilder.map(Schema.STRING_SCHEMA, builder(avro.getValueType(), false, open).build());
                break;
            default:
                builder = scalar(avro);
        }
        return optional ? builder.optional() : builder;
    }

    private static SchemaBuilder scalar(org.apache.avro.Schema avro) {
        LogicalType logical = avro.getLogicalType();
        switch (avro.getType()) {
            case STRING:
            case ENUM:
                return SchemaBuilder.string();
            case BYTES:
            case FIXED:
                return SchemaBuilder.bytes();
            case INT:
                return logical instanceof LogicalTypes.Date ? Date.builder() : SchemaBuilder.int32();
            case LONG:
                return logical instanceof LogicalTypes.TimestampMillis ? Timestamp.builder() : SchemaBuilder.int64();
            case FLOAT:
                return SchemaBuilder.float32();
            case DOUBLE:
                return SchemaBuilder.float64();
            case BOOLEAN:
                return SchemaBuilder.bool();
            default:
                throw new DataException("Avro type " + avro.getType() + " has no Connect form");
        }
    }

    private static org.apache.avro.Schema nonNull(org.apache.avro.Schema union) {
        List<org.apache.avro.Schema> branches = union.getTypes();
        if (branches.size() == 2 && union.isNullable()) {
            return branches.get(branches.get(0).getType() == org.apache.avro.Schema.Type.NULL ? 1 : 0);
        }
        throw new DataException("union " + union + " is not [null, one type]");
    }

    /** {@code decoded} is what GenericDatumReader gave for {@code avro}; {@code connect} is {@link #schema} of it. */
    static Object value(Object decoded, org.apache.avro.Schema avro, Schema connect) {
        if (decoded == null) {
            return null;
        }
        switch (avro.getType()) {
            case UNION:
                return value(decoded, nonNull(avro), connect);
            case RECORD:
                Struct struct = new Struct(connect);
                for (Field field : connect.fields()) {
                    org.apache.avro.Schema.Field source = avro.getField(field.name());
                    struct.put(field, value(((IndexedRecord) decoded).get(source.pos()), source.schema(), field.schema()));
                }
                return struct;
            case ARRAY:
                List<Object> items = new ArrayList<>();
                for (Object item : (Iterable<?>) decoded) {
                    items.add(value(item, avro.getElementType(), connect.valueSchema()));
                }
                return items;
            case MAP:
                Map<String, Object> entries = new LinkedHashMap<>();
                ((Map<?, ?>) decoded).forEach((key, item) ->
                        entries.put(key.toString(), value(item, avro.getValueType(), connect.valueSchema())));
                return entries;
            case STRING:
            case ENUM:
                return decoded.toString();
            case FIXED:
                return ByteBuffer.wrap(((GenericFixed) decoded).bytes());
            case INT:
                return Date.LOGICAL_NAME.equals(connect.name())
                        ? new java.util.Date((Integer) decoded * DAY_MS) : decoded;
            case LONG:
                return Timestamp.LOGICAL_NAME.equals(connect.name()) ? new java.util.Date((Long) decoded) : decoded;
            default:
                return decoded;
        }
    }
}
