import com.google.common.util.concurrent.ListenableFuture;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/** Writes so many records by KPL, aggregated: key `key-N`, data `N of KPL`. Arguments: host, port, stream, records. The endpoint speaks TLS. */
public final class KplProducer {
  public static void main(String[] args) throws Exception {
    int count = Integer.parseInt(args[3]);
    var config =
        new KinesisProducerConfiguration()
            .setKinesisEndpoint(args[0]).setKinesisPort(Long.parseLong(args[1]))
            .setCloudwatchEndpoint(args[0]).setCloudwatchPort(Long.parseLong(args[1]))
            .setStsEndpoint(args[0]).setStsPort(Long.parseLong(args[1]))
            .setVerifyCertificate(false).setRegion("us-east-1").setMetricsLevel("none").setLogLevel("warning")
            .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")));
    var producer = new KinesisProducer(config);
    List<ListenableFuture<UserRecordResult>> sent = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] data = (i + " of KPL").getBytes(StandardCharsets.UTF_8);
      sent.add(producer.addUserRecord(args[2], "key-" + i, ByteBuffer.wrap(data)));
    }
    producer.flushSync();
    for (var each : sent) if (!each.get().isSuccessful()) throw new IllegalStateException("a record failed");
    System.out.println("SENT " + count);
    producer.destroy();
    System.exit(0);
  }
}
