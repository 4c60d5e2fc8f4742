import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import sun.misc.Signal;

/** An ordinary application on kafka-clients. The interface is described in ../workload.ts. */
public final class Client {
  private static final Map<String, String> given = new HashMap<>();
  private static volatile boolean stopping;

  public static void main(String[] args) throws Exception {
    for (String arg : args) {
      int split = arg.indexOf('=');
      given.put(arg.substring(0, split), arg.substring(split + 1));
    }
    Signal.handle(new Signal("TERM"), signal -> stopping = true);
    String role = given.get("role");
    Thread consumer = null;
    if (!role.equals("produce")) {
      consumer = new Thread(Client::consume);
      consumer.start();
    }
    if (!role.equals("consume")) produce();
    if (consumer != null) consumer.join();
    event("done", "");
    System.exit(0);
  }

  private static Properties common() {
    Properties p = new Properties();
    p.put("bootstrap.servers", given.get("bootstrap"));
    p.put("client.id", given.get("id"));
    String sasl = given.get("sasl");
    String ca = given.get("truststore");
    if (sasl != null || ca != null) {
      p.put("security.protocol", sasl == null ? "SSL" : ca == null ? "SASL_PLAINTEXT" : "SASL_SSL");
    }
    if (sasl != null) {
      String module = sasl.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
      p.put("sasl.mechanism", sasl);
      p.put("sasl.jaas.config", "org.apache.kafka.common.security." + module + " required username=\""
          + given.get("username") + "\" password=\"" + given.get("password") + "\";");
    }
    if (ca != null) {
      p.put("ssl.truststore.location", ca);
      p.put("ssl.truststore.type", "PKCS12");
      p.put("ssl.truststore.password", given.get("truststorePassword"));
    }
    return p;
  }

  private static void produce() {
    Properties p = common();
    p.put("acks", given.get("acks"));
    p.put("enable.idempotence", given.get("idempotence"));
    p.put("compression.type", given.get("compression"));
    KafkaProducer<String, String> producer =
        new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
    long count = Long.parseLong(given.get("records"));
    double gapNanos = 1e9 / Double.parseDouble(given.get("rate"));
    long start = System.nanoTime();
    for (long i = 0; i < count && !stopping; i++) {
      sleep((long) (start + i * gapNanos - System.nanoTime()));
      String key = "k" + i % 17;
      String value = given.get("id") + "-" + i;
      try {
        producer.send(new ProducerRecord<>(given.get("topic"), key, value), (metadata, error) -> {
          if (error != null) failed("produce", error);
          else record("acked", metadata.partition(), metadata.offset(), key, value);
        });
      } catch (Exception error) {
        failed("produce", error);
      }
    }
    producer.close(Duration.ofSeconds(60));
  }

  private static void consume() {
    Properties p = common();
    p.put("group.id", given.get("group"));
    p.put("auto.offset.reset", given.get("reset"));
    p.put("auto.commit.interval.ms", "1000");
    if (given.containsKey("assignment")) {
      String assignor = given.get("assignment").equals("eager") ? "Range" : "CooperativeSticky";
      p.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor + "Assignor");
    }
    if (given.containsKey("instance")) p.put("group.instance.id", given.get("instance"));
    KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of(given.get("topic").split(",")), new ConsumerRebalanceListener() {
      @Override public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        partitions("assigned", partitions);
      }

      @Override public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        partitions("revoked", partitions);
      }

      @Override public void onPartitionsLost(Collection<TopicPartition> partitions) {
        partitions("lost", partitions);
      }
    });
    long left = given.get("role").equals("consume") ? Long.parseLong(given.get("records")) : 0;
    boolean bounded = left > 0;
    while (!stopping && (!bounded || left > 0)) {
      try {
        for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(100))) {
          record("consumed", r.partition(), r.offset(), r.key(), r.value());
          left--;
        }
      } catch (Exception error) {
        failed("consume", error);
        sleep(200_000_000L);
      }
    }
    try {
      consumer.close();
    } catch (Exception error) {
      failed("close", error);
    }
  }

  private static void sleep(long nanos) {
    if (nanos <= 0) return;
    try {
      Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
    } catch (InterruptedException error) {
      stopping = true;
    }
  }

  private static void record(String event, int partition, long offset, String key, String value) {
    event(event, ",\"partition\":" + partition + ",\"offset\":" + offset
        + ",\"key\":" + quote(key) + ",\"value\":" + quote(value));
  }

  private static void partitions(String event, Collection<TopicPartition> partitions) {
    StringBuilder list = new StringBuilder();
    for (TopicPartition p : partitions) list.append(list.length() == 0 ? "" : ",").append(p.partition());
    event(event, ",\"partitions\":[" + list + "]");
  }

  private static void failed(String where, Exception error) {
    event("error", ",\"where\":" + quote(where) + ",\"kind\":" + quote(error.getClass().getSimpleName())
        + ",\"message\":" + quote(String.valueOf(error.getMessage())));
  }

  private static void event(String event, String rest) {
    String line = "{\"event\":\"" + event + "\",\"t\":" + System.currentTimeMillis() + rest + "}\n";
    synchronized (System.out) {
      System.out.print(line);
      System.out.flush();
    }
  }

  private static String quote(String text) {
    if (text == null) return "null";
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }
}
