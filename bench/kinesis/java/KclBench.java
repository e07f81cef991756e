import java.net.URI;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * KCL by polling, no pause between reads, that looks at every record. Arguments: port of the endpoint, stream, records, bytes, DynamoDB's
 * URL, share that is warm-up. The clock starts when the warm-up has been read, so that elections and waits are no part of it.
 */
public final class KclBench {
  private static final AtomicLong seen = new AtomicLong();
  private static volatile long began;
  private static volatile long beganAt;
  private static long total;
  private static long warmUp;
  private static long size;

  public static void main(String[] args) throws Exception {
    total = Long.parseLong(args[2]);
    warmUp = (long) (total * Double.parseDouble(args[5]));
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("bench", "bench"));
    var http = NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP1_1).maxConcurrency(100).build();
    var kinesis =
        KinesisAsyncClient.builder().endpointOverride(URI.create("http://127.0.0.1:" + args[0])).region(Region.US_EAST_1)
            .credentialsProvider(credentials).httpClient(http).build();
    var dynamo =
        DynamoDbAsyncClient.builder().endpointOverride(URI.create(args[4])).region(Region.US_EAST_1)
            .credentialsProvider(credentials).httpClient(http).build();
    var cloudWatch =
        CloudWatchAsyncClient.builder().endpointOverride(URI.create(args[4])).region(Region.US_EAST_1)
            .credentialsProvider(credentials).httpClient(http).build();
    var start = InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON);
    var configs =
        new ConfigsBuilder(args[1], "bench-" + UUID.randomUUID(), kinesis, dynamo, cloudWatch, "bench", Counter::new);
    var polling = new PollingConfig(args[1], kinesis).idleTimeBetweenReadsInMillis(0).maxRecords(10_000);
    var retrieval = configs.retrievalConfig().retrievalSpecificConfig(polling);
    retrieval.initialPositionInStreamExtended(start);
    new Thread(
            new Scheduler(
                configs.checkpointConfig(),
                configs.coordinatorConfig(),
                configs.leaseManagementConfig().failoverTimeMillis(3_000).initialPositionInStream(start),
                configs.lifecycleConfig(),
                configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
                configs.processorConfig(),
                retrieval))
        .start();
  }

  static final class Counter implements ShardRecordProcessor {
    @Override
    public void initialize(InitializationInput input) {}

    @Override
    public void processRecords(ProcessRecordsInput input) {
      long bytes = 0;
      for (var record : input.records()) bytes += record.partitionKey().length() + record.data().remaining();
      synchronized (KclBench.class) {
        size += bytes;
        long now = seen.addAndGet(input.records().size());
        if (began == 0 && now >= warmUp) {
          began = System.nanoTime();
          beganAt = now;
        } else if (now >= total && size > 0) {
          System.out.println("DONE " + (now - beganAt) + " " + (System.nanoTime() - began) / 1_000_000);
          System.out.flush();
          Runtime.getRuntime().halt(0);
        }
      }
    }

    @Override
    public void leaseLost(LeaseLostInput input) {}

    @Override
    public void shardEnded(ShardEndedInput input) {}

    @Override
    public void shutdownRequested(ShutdownRequestedInput input) {}
  }
}
