package sightline.mongo;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;
import org.h2.mvstore.MVStore;

/**
 * The MongoDB wire of the embedded stack: mongo-java-server on an H2 file, for loopback only (it has
 * no authentication). {@code MongoWireServer PORT FILE}
 */
public final class MongoWireServer {
    private static final int CACHE_MIB = 16;

    /** Current drivers refuse a server below wire version 9; 13 is that of MongoDB 5.0. */
    private static final class Wire13 implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 13;
        }
    }

    private MongoWireServer() {}

    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            System.err.println("usage: MongoWireServer PORT FILE");
            System.exit(2);
        }
        MVStore store = new MVStore.Builder().fileName(arguments[1]).cacheSize(CACHE_MIB).open();
        H2Backend backend = new H2Backend(store);
        backend.version(new Wire13());
        MongoServer server = new MongoServer(backend);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        System.out.println("listening on 127.0.0.1:" + arguments[0]);
    }
}
