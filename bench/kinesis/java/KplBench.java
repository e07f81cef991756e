import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.MoreExecutors;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/** KPL at its defaults but for the rate limit. Arguments: TLS port, stream, records, bytes, -, share that is warm-up. */
public final class KplBench {
  /** KPL's own advice: bound what is outstanding. */
  private static final int OUTSTANDING = 50_000;

  public static void main(String[] args) throws Exception {
    long port = Long.parseLong(args[0]);
    int total = Integer.parseInt(args[2]);
    int warmUp = (int) (total * Double.parseDouble(args[5]));
    byte[] value = new byte[Integer.parseInt(args[3])];
    java.util.Arrays.fill(value, (byte) 'x');
    var config =
        new KinesisProducerConfiguration()
            .setKinesisEndpoint("127.0.0.1").setKinesisPort(port)
            .setCloudwatchEndpoint("127.0.0.1").setCloudwatchPort(port)
            .setStsEndpoint("127.0.0.1").setStsPort(port)
            .setVerifyCertificate(false).setRegion("us-east-1").setMetricsLevel("none").setLogLevel("error")
            .setRateLimit(10_000_000)
            .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("bench", "bench")));
    var producer = new KinesisProducer(config);
    run(producer, args[1], warmUp, value);
    long began = System.nanoTime();
    run(producer, args[1], total - warmUp, value);
    System.out.println("DONE " + (total - warmUp) + " " + (System.nanoTime() - began) / 1_000_000);
    producer.destroy();
    System.exit(0);
  }

  private static void run(KinesisProducer producer, String stream, int count, byte[] value) throws Exception {
    var room = new Semaphore(OUTSTANDING);
    var left = new CountDownLatch(count);
    var failed = new AtomicReference<Throwable>();
    var callback =
        new FutureCallback<UserRecordResult>() {
          @Override
          public void onSuccess(UserRecordResult result) {
            room.release();
            left.countDown();
          }

          @Override
          public void onFailure(Throwable error) {
            failed.set(error);
            room.release();
            left.countDown();
          }
        };
    for (int i = 0; i < count; i++) {
      room.acquire();
      var sent = producer.addUserRecord(stream, "k" + i % 1_000, ByteBuffer.wrap(value));
      Futures.addCallback(sent, callback, MoreExecutors.directExecutor());
    }
    producer.flush();
    left.await();
    if (failed.get() != null) throw new IllegalStateException(failed.get());
  }
}
