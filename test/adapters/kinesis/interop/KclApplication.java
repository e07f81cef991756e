import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.Base64;
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
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * A KCL application that prints what it reads, a line a record, and checkpoints after each batch. Arguments: endpoint, stream, application,
 * worker. A number on its standard input: after so many more records it checkpoints there and halts as if killed. It shuts down when its
 * input ends.
 */
public final class KclApplication {
  /** Records until it halts; below 0: never. */
  static final AtomicLong left = new AtomicLong(-1);

  public static void main(String[] args) throws Exception {
    URI endpoint = URI.create(args[0]);
    String stream = args[1];
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    var http = NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP1_1).build();
    var kinesis =
        KinesisAsyncClient.builder().endpointOverride(endpoint).region(Region.US_EAST_1)
            .credentialsProvider(credentials).httpClient(http).build();
    var dynamo =
        DynamoDbAsyncClient.builder().endpointOverride(endpoint).region(Region.US_EAST_1)
            .credentialsProvider(credentials).httpClient(http).build();
    var cloudWatch =
        CloudWatchAsyncClient.builder().endpointOverride(endpoint).region(Region.US_EAST_1)
            .credentialsProvider(credentials).httpClient(http).build();
    var configs =
        new ConfigsBuilder(stream, args[2], kinesis, dynamo, cloudWatch, args[3], Printer::new);
    var leases =
        configs.leaseManagementConfig().failoverTimeMillis(3_000)
            .initialPositionInStream(
                InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
    var polling = new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(250).maxRecords(1_000);
    var retrieval = configs.retrievalConfig().retrievalSpecificConfig(polling);
    retrieval.initialPositionInStreamExtended(
        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
    var scheduler =
        new Scheduler(
            configs.checkpointConfig(),
            configs.coordinatorConfig().parentShardPollIntervalMillis(500).shardConsumerDispatchPollIntervalMillis(100),
            leases,
            configs.lifecycleConfig(),
            configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
            configs.processorConfig(),
            retrieval);
    var thread = new Thread(scheduler);
    thread.start();
    System.out.println("STARTED");
    var commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      left.set(Long.parseLong(line.trim()));
      System.out.println("HALTING");
    }
    scheduler.startGracefulShutdown().get();
    System.out.println("STOPPED");
    System.exit(0);
  }

  static final class Printer implements ShardRecordProcessor {
    private String shard;

    @Override
    public void initialize(InitializationInput input) {
      shard = input.shardId();
      say("ASSIGNED", input.extendedSequenceNumber().sequenceNumber(), input.extendedSequenceNumber().subSequenceNumber());
    }

    @Override
    public void processRecords(ProcessRecordsInput input) {
      try {
        for (KinesisClientRecord record : input.records()) {
          say("RECORD", record.sequenceNumber(), record.subSequenceNumber(), base64(record));
          if (left.get() < 0 || left.decrementAndGet() != 0) continue;
          input.checkpointer().checkpoint(record.sequenceNumber(), record.subSequenceNumber());
          say("CHECKPOINT", record.sequenceNumber(), record.subSequenceNumber());
          Runtime.getRuntime().halt(0);
        }
        if (!input.records().isEmpty()) input.checkpointer().checkpoint();
      } catch (Exception error) {
        say("ERROR", error);
      }
    }

    @Override
    public void leaseLost(LeaseLostInput input) {
      say("LOST");
    }

    @Override
    public void shardEnded(ShardEndedInput input) {
      try {
        input.checkpointer().checkpoint();
        say("ENDED");
      } catch (Exception error) {
        say("ERROR", error);
      }
    }

    @Override
    public void shutdownRequested(ShutdownRequestedInput input) {
      try {
        input.checkpointer().checkpoint();
      } catch (Exception error) {
        say("ERROR", error);
      }
    }

    /** Key and data. */
    private static String base64(KinesisClientRecord record) {
      ByteBuffer data = record.data().duplicate();
      byte[] bytes = new byte[data.remaining()];
      data.get(bytes);
      return Base64.getEncoder().encodeToString(record.partitionKey().getBytes(java.nio.charset.StandardCharsets.UTF_8))
          + " " + Base64.getEncoder().encodeToString(bytes);
    }

    private void say(String what, Object... more) {
      StringBuilder line = new StringBuilder(what).append(' ').append(shard);
      for (Object each : more) line.append(' ').append(String.valueOf(each).replace('\n', ' '));
      synchronized (System.out) {
        System.out.println(line);
        System.out.flush();
      }
    }
  }
}
