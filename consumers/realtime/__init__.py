"""Events as they happen: WebSocket and SSE, straight from the cloud's Kafka."""
