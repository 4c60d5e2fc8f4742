import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * An application on kafka-clients that places itself: it does what it reads on standard input, one line each,
 * and answers each with one line. Arguments: bootstrap, topic, and a group or nothing; partition 0 is assigned.
 */
public final class Reader {
  public static void main(String[] args) throws Exception {
    Properties p = new Properties();
    p.put("bootstrap.servers", args[0]);
    p.put("client.id", "reader");
    p.put("auto.offset.reset", "earliest");
    p.put("enable.auto.commit", "false");
    if (args.length > 2) p.put("group.id", args[2]);
    TopicPartition partition = new TopicPartition(args[1], 0);
    KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
    consumer.assign(List.of(partition));
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      String answer;
      try {
        answer = act(consumer, partition, args[0], words);
      } catch (Exception error) {
        answer = "error " + error;
      }
      System.out.println(answer.replace('\n', ' '));
      System.out.flush();
    }
    consumer.close();
    System.exit(0);
  }

  private static String act(
      KafkaConsumer<String, String> consumer, TopicPartition partition, String bootstrap, String[] words)
      throws Exception {
    Set<TopicPartition> all = Set.of(partition);
    long number = words.length > 1 ? Long.parseLong(words[1]) : 0;
    switch (words[0]) {
      case "seek":
        consumer.seek(partition, number);
        return "ok";
      case "begin":
        consumer.seekToBeginning(all);
        return String.valueOf(consumer.position(partition));
      case "end":
        consumer.seekToEnd(all);
        return String.valueOf(consumer.position(partition));
      case "position":
        return String.valueOf(consumer.position(partition));
      case "pause":
        consumer.pause(all);
        return "ok";
      case "resume":
        consumer.resume(all);
        return "ok";
      case "poll":
        return poll(consumer, number);
      case "beginningOffset":
        return String.valueOf(consumer.beginningOffsets(all).get(partition));
      case "endOffset":
        return String.valueOf(consumer.endOffsets(all).get(partition));
      case "forTime":
        OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, number)).get(partition);
        return found == null ? "none" : found.offset() + "@" + found.timestamp();
      case "commit":
        consumer.commitSync(Map.of(partition, new OffsetAndMetadata(number)));
        return "ok";
      case "committed":
        OffsetAndMetadata committed = consumer.committed(all).get(partition);
        return committed == null ? "none" : String.valueOf(committed.offset());
      case "delete":
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
          return String.valueOf(admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(number)))
              .lowWatermarks().get(partition).get().lowWatermark());
        }
      default:
        return "error no such command";
    }
  }

  /** Until there are so many records, or nothing for some seconds. */
  private static String poll(KafkaConsumer<String, String> consumer, long count) {
    List<String> seen = new ArrayList<>();
    long end = System.nanoTime() + Duration.ofSeconds(8).toNanos();
    while (seen.size() < count && System.nanoTime() < end) {
      for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200)))
        seen.add(r.offset() + "=" + r.value());
    }
    return String.join(",", seen.size() > count ? seen.subList(0, (int) count) : seen);
  }
}
