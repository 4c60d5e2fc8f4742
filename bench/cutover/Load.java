import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The load of the bench of cutovers: an idempotent producer, and a group of members that judge what they
 * read. Record i goes to partition i mod P and holds i / P, so that in a topic that was empty each record
 * must be acknowledged, and read once and in order, at the offset that it holds.
 * Says `ready`, then obeys `mark` (what is measured begins) and `end` (prints what was measured).
 */
public final class Load {
  private static final Map<String, String> given = new HashMap<>();
  private static final int members = 2;
  private static int partitions;
  private static volatile boolean stopping;
  private static Gaps acks;
  private static Gaps reads;
  private static long[] sent;
  private static long[] next;
  private static long repeated, skipped, misplaced, errors;
  private static String firstError = "";
  private static final AtomicIntegerArray assigned = new AtomicIntegerArray(members);

  public static void main(String[] args) throws Exception {
    for (String arg : args) {
      int split = arg.indexOf('=');
      given.put(arg.substring(0, split), arg.substring(split + 1));
    }
    partitions = (int) number("partitions", 12);
    acks = new Gaps();
    reads = new Gaps();
    sent = new long[partitions];
    next = new long[partitions];
    if (given.containsKey("fill")) {
      produce(0, number("fill", 0), 0);
      if (errors > 0) throw new IllegalStateException(firstError);
      return;
    }
    run();
    System.exit(0);
  }

  private static void run() throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (int i = 0; i < members; i++) {
      int member = i;
      new Thread(() -> consume(member)).start();
    }
    Thread producer =
        new Thread(() -> produce(number("from", 0), Long.MAX_VALUE, number("rate", 5000)));
    while (assigned.get(0) == 0 || assigned.get(1) == 0) Thread.sleep(20);
    producer.start();
    while (!acks.begun() || !reads.begun()) Thread.sleep(20);
    System.out.println("ready");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      if (line.equals("mark")) mark();
      if (line.equals("end")) {
        end(producer);
        return;
      }
    }
  }

  private static synchronized void mark() {
    acks.mark();
    reads.mark();
    for (int i = 0; i < members; i++) assigned.set(i, 0);
  }

  /** What counts ends before the producer does; then all that was acknowledged must still be read. */
  private static void end(Thread producer) throws Exception {
    String figures = "\"ack\":" + acks.close() + ",\"read\":" + reads.close()
        + ",\"rebalances\":[" + assigned.get(0) + "," + assigned.get(1) + "]";
    stopping = true;
    producer.join();
    long deadline = System.nanoTime() + number("drainSeconds", 30) * 1_000_000_000L;
    while (missing() > 0 && System.nanoTime() < deadline) Thread.sleep(20);
    long records = 0;
    for (long count : sent) records += count;
    synchronized (Load.class) {
      System.out.println("{" + figures + ",\"records\":" + records + ",\"lost\":" + missing()
          + ",\"repeated\":" + repeated + ",\"skipped\":" + skipped + ",\"misplaced\":" + misplaced
          + ",\"errors\":" + errors + ",\"firstError\":\""
          + firstError.replaceAll("[\"\\\\\\p{Cntrl}]", " ") + "\"}");
    }
  }

  private static synchronized long missing() {
    long missing = 0;
    for (int p = 0; p < partitions; p++) missing += Math.max(0, sent[p] - next[p]);
    return missing;
  }

  private static Properties common(String id) {
    Properties p = new Properties();
    p.put("bootstrap.servers", given.get("bootstrap"));
    p.put("client.id", id);
    return p;
  }

  /** @param rate records per second, 0 for as many as possible */
  private static void produce(long from, long until, long rate) {
    Properties p = common("producer");
    p.put("acks", "all");
    p.put("enable.idempotence", "true");
    for (int i = 0; i < partitions; i++) sent[i] = (from + partitions - 1 - i) / partitions;
    int bytes = (int) number("recordBytes", 1024);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer())) {
      long start = System.nanoTime();
      for (long i = from; i < until && !stopping; i++) {
        if (rate > 0) pause(start + (i - from) * 1_000_000_000L / rate - System.nanoTime());
        int partition = (int) (i % partitions);
        long sequence = i / partitions;
        byte[] value = new byte[bytes];
        ByteBuffer.wrap(value).putLong(sequence);
        producer.send(new ProducerRecord<>(given.get("topic"), partition, null, value),
            (metadata, error) -> acknowledged(partition, sequence, metadata.offset(), error));
      }
    }
  }

  private static void acknowledged(int partition, long sequence, long offset, Exception error) {
    if (error != null) {
      failed(error);
      return;
    }
    acks.touch(partition);
    synchronized (Load.class) {
      sent[partition]++;
      if (offset != sequence) misplaced++;
    }
  }

  private static void consume(int member) {
    Properties p = common("member-" + member);
    p.put("group.id", given.get("group"));
    p.put("auto.offset.reset", "earliest");
    p.put("auto.commit.interval.ms", "1000");
    long rate = number("readRate", 0);
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    consumer.subscribe(List.of(given.get("topic")), new ConsumerRebalanceListener() {
      @Override public void onPartitionsAssigned(Collection<TopicPartition> ignored) {
        assigned.incrementAndGet(member);
      }

      @Override public void onPartitionsRevoked(Collection<TopicPartition> ignored) {}
    });
    while (true) {
      try {
        int count = 0;
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          judge(record);
          count++;
        }
        if (rate > 0) pause(count * 1_000_000_000L / rate);
      } catch (Exception error) {
        failed(error);
        pause(200_000_000L);
      }
    }
  }

  private static void judge(ConsumerRecord<byte[], byte[]> record) {
    int partition = record.partition();
    long sequence = ByteBuffer.wrap(record.value()).getLong();
    reads.touch(partition);
    synchronized (Load.class) {
      if (record.offset() != sequence) misplaced++;
      if (sequence < next[partition]) {
        repeated++;
        return;
      }
      skipped += sequence - next[partition];
      next[partition] = sequence + 1;
    }
  }

  private static synchronized void failed(Exception error) {
    if (errors++ == 0) firstError = String.valueOf(error);
  }

  private static void pause(long nanos) {
    // Below a millisecond the scheduler's own grain is coarser than the error.
    if (nanos < 1_000_000) return;
    try {
      Thread.sleep(nanos / 1_000_000);
    } catch (InterruptedException error) {
      stopping = true;
    }
  }

  private static long number(String name, long otherwise) {
    return given.containsKey(name) ? Long.parseLong(given.get(name)) : otherwise;
  }

  /** The longest time without an event, over all partitions and for each. */
  private static final class Gaps {
    private final long[] last = new long[partitions];
    private final long[] longest = new long[partitions];
    private long lastOfAll, longestOfAll, endedAt, marked;

    synchronized void touch(int partition) {
      long now = System.nanoTime();
      if (last[partition] != 0) longest[partition] = Math.max(longest[partition], now - last[partition]);
      if (lastOfAll != 0 && now - lastOfAll > longestOfAll) {
        longestOfAll = now - lastOfAll;
        endedAt = now;
      }
      last[partition] = now;
      lastOfAll = now;
    }

    synchronized boolean begun() {
      return lastOfAll != 0;
    }

    synchronized void mark() {
      marked = System.nanoTime();
      longestOfAll = 0;
      for (int p = 0; p < partitions; p++) longest[p] = 0;
    }

    /** The gaps that are open now count with what they have. Milliseconds, `endedAtMs` from the mark. */
    synchronized String close() {
      long now = System.nanoTime();
      if (now - lastOfAll > longestOfAll) {
        longestOfAll = now - lastOfAll;
        endedAt = now;
      }
      StringBuilder list = new StringBuilder();
      for (int p = 0; p < partitions; p++) {
        long gap = last[p] == 0 ? now - marked : Math.max(longest[p], now - last[p]);
        list.append(list.length() == 0 ? "" : ",").append(gap / 1_000_000);
      }
      return "{\"anyMs\":" + longestOfAll / 1_000_000 + ",\"endedAtMs\":" + (endedAt - marked) / 1_000_000
          + ",\"partitionMs\":[" + list + "]}";
    }
  }
}
