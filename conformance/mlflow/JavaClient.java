import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.mlflow.api.proto.ModelRegistry.ModelVersion;
import org.mlflow.api.proto.Service.Experiment;
import org.mlflow.api.proto.Service.FileInfo;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.ActiveRun;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowContext;
import org.mlflow.tracking.MlflowHttpException;
import org.mlflow.tracking.ModelVersionsPage;
import org.mlflow.tracking.RunsPage;
import org.mlflow.tracking.creds.BasicMlflowHostCreds;

/** What MLflow's Java client can do, against the server that MLFLOW_TRACKING_URI names. Prints the name of each part that went well. */
public class JavaClient {
  interface Part {
    void run(MlflowClient client) throws Exception;
  }

  public static void main(String[] words) throws Exception {
    // The program passes the credentials: this client does not read a token from the environment.
    String uri = System.getenv("MLFLOW_TRACKING_URI");
    String token = System.getenv("MLFLOW_TRACKING_TOKEN");
    try (MlflowClient client = new MlflowClient(new BasicMlflowHostCreds(uri, token))) {
      part("experiments", JavaClient::experiments, client);
      part("runs", JavaClient::runs, client);
      part("search", JavaClient::search, client);
      part("context", JavaClient::context, client);
      part("registry", JavaClient::registry, client);
      part("artifacts", JavaClient::artifacts, client);
      part("refusals", JavaClient::refusals, client);
    }
  }

  static void part(String name, Part part, MlflowClient client) throws Exception {
    part.run(client);
    System.out.println(name);
  }

  static void check(boolean holds, Object found) {
    if (!holds) throw new AssertionError(String.valueOf(found));
  }

  static String fresh(String prefix) {
    return prefix + "-" + UUID.randomUUID();
  }

  static void experiments(MlflowClient client) {
    String name = fresh("java");
    String id = client.createExperiment(name);
    client.setExperimentTag(id, "team", "flights");
    Experiment found = client.getExperiment(id);
    check(found.getName().equals(name) && found.getTags(0).getValue().equals("flights"), found);
    check(client.getExperimentByName(name).map(Experiment::getExperimentId).equals(Optional.of(id)), id);
    check(client.getExperimentByName(fresh("none")).isEmpty(), "an experiment that is none");
    client.renameExperiment(id, name + "-2");
    check(client.searchExperiments("name = '" + name + "-2'").getItems().size() == 1, name);
    client.deleteExperiment(id);
    check(client.getExperiment(id).getLifecycleStage().equals("deleted"), id);
    client.restoreExperiment(id);
    check(client.getExperiment("0").getName().equals("Default"), "0");
  }

  static void runs(MlflowClient client) {
    RunInfo made = client.createRun(client.createExperiment(fresh("java")));
    String id = made.getRunId();
    client.logParam(id, "depth", "3");
    client.logMetric(id, "loss", 0.5, 1_000, 0);
    client.logMetric(id, "loss", Double.NaN, 2_000, 1);
    client.logMetric(id, "huge", Double.POSITIVE_INFINITY);
    client.setTag(id, "kept", "yes");
    client.setTag(id, "dropped", "yes");
    client.deleteTag(id, "dropped");
    List<Metric> metrics = new ArrayList<>();
    for (int step = 0; step < 500; step++) {
      metrics.add(Metric.newBuilder().setKey("many").setValue(step).setTimestamp(step).setStep(step).build());
    }
    Param param = Param.newBuilder().setKey("unicode").setValue("Zürich ✈").build();
    RunTag tag = RunTag.newBuilder().setKey("batch").setValue("yes").build();
    client.logBatch(id, metrics, List.of(param), List.of(tag));
    client.setTerminated(id, RunStatus.FINISHED, 9_000);
    Run run = client.getRun(id);
    check(run.getInfo().getStatus() == RunStatus.FINISHED && run.getInfo().getEndTime() == 9_000, run.getInfo());
    check(run.getData().getParamsList().contains(param), run.getData().getParamsList());
    check(run.getData().getTagsList().stream().noneMatch(one -> one.getKey().equals("dropped")), "dropped");
    List<Metric> history = client.getMetricHistory(id, "many");
    check(history.size() == 500 && history.get(499).getValue() == 499, history.size());
    List<Metric> loss = client.getMetricHistory(id, "loss");
    check(loss.size() == 2 && Double.isNaN(loss.get(1).getValue()), loss);
    check(client.getMetricHistory(id, "huge").get(0).getValue() == Double.MAX_VALUE, "huge");
    client.deleteRun(id);
    check(client.getRun(id).getInfo().getLifecycleStage().equals("deleted"), id);
    client.restoreRun(id);
  }

  static void search(MlflowClient client) {
    String experiment = client.createExperiment(fresh("java"));
    for (int number = 0; number < 5; number++) {
      String id = client.createRun(experiment).getRunId();
      client.logMetric(id, "number", number);
      client.logParam(id, "even", String.valueOf(number % 2 == 0));
    }
    List<String> where = List.of(experiment);
    check(client.searchRuns(where, "metrics.number > 1 AND params.even = 'true'").size() == 2, experiment);
    RunsPage page = client.searchRuns(where, "", ViewType.ACTIVE_ONLY, 2, List.of("metrics.number DESC"));
    List<Double> seen = new ArrayList<>();
    for (RunsPage at = page; ; at = (RunsPage) at.getNextPage()) {
      at.getItems().forEach(run -> seen.add(run.getData().getMetrics(0).getValue()));
      if (!at.hasNextPage()) break;
    }
    check(seen.equals(List.of(4.0, 3.0, 2.0, 1.0, 0.0)), seen);
  }

  static void context(MlflowClient client) throws Exception {
    String name = fresh("java");
    MlflowContext context = new MlflowContext(client);
    client.createExperiment(name);
    context.setExperimentName(name);
    String[] ids = new String[2];
    context.withActiveRun(
        "outer",
        outer -> {
          ids[0] = outer.getId();
          outer.logParams(Map.of("a", "1", "b", "2"));
          outer.logMetrics(Map.of("x", 1.0, "y", 2.0), 3);
          ActiveRun inner = context.startRun("inner", outer.getId());
          ids[1] = inner.getId();
          inner.endRun(RunStatus.KILLED);
        });
    check(client.getRun(ids[0]).getInfo().getStatus() == RunStatus.FINISHED, ids[0]);
    Run inner = client.getRun(ids[1]);
    check(inner.getInfo().getStatus() == RunStatus.KILLED, inner.getInfo());
    check(
        inner.getData().getTagsList().stream()
            .anyMatch(tag -> tag.getKey().equals("mlflow.parentRunId") && tag.getValue().equals(ids[0])),
        inner.getData().getTagsList());
  }

  static void registry(MlflowClient client) {
    String name = fresh("java");
    RunInfo run = client.createRun("0");
    client.sendPost("registered-models/create", "{\"name\": \"" + name + "\"}");
    for (int number = 0; number < 3; number++) {
      String source = run.getArtifactUri() + "/model";
      client.sendPost(
          "model-versions/create",
          "{\"name\": \"" + name + "\", \"source\": \"" + source + "\", \"run_id\": \"" + run.getRunId() + "\"}");
    }
    client.sendPost(
        "model-versions/transition-stage", "{\"name\": \"" + name + "\", \"version\": \"2\", \"stage\": \"Production\"}");
    check(client.getRegisteredModel(name).getName().equals(name), name);
    List<ModelVersion> latest = client.getLatestVersions(name, List.of("Production"));
    check(latest.size() == 1 && latest.get(0).getVersion().equals("2"), latest);
    check(client.getModelVersion(name, "3").getRunId().equals(run.getRunId()), name);
    check(client.getModelVersionDownloadUri(name, "1").endsWith("/model"), name);
    ModelVersionsPage page = client.searchModelVersions("name = '" + name + "'", 2, List.of());
    check(page.getItems().size() == 2 && page.hasNextPage(), page);
  }

  /** Java's client has the Python client carry artifacts: it starts `mlflow artifacts`. */
  static void artifacts(MlflowClient client) throws Exception {
    String id = client.createRun("0").getRunId();
    Path file = Files.createTempFile("artifact", ".txt");
    Files.writeString(file, "from Java");
    client.logArtifact(id, file.toFile(), "folder");
    Files.delete(file);
    List<FileInfo> files = client.listArtifacts(id, "folder");
    check(files.size() == 1 && files.get(0).getFileSize() == 9, files);
    File copy = client.downloadArtifacts(id, files.get(0).getPath());
    check(Files.readString(copy.toPath()).equals("from Java"), copy);
  }

  static void refusals(MlflowClient client) {
    check(status(() -> client.getRun("0".repeat(32))) == 404, "a run that is none");
    String name = fresh("java");
    client.createExperiment(name);
    check(status(() -> client.createExperiment(name)) == 400, "a name that is taken");
    String id = client.createRun("0").getRunId();
    client.logParam(id, "a", "1");
    check(status(() -> client.logParam(id, "a", "2")) == 400, "a parameter that changes");
    check(status(() -> client.searchRuns(List.of("0"), "metrics.a >")) == 400, "half a filter");
  }

  static int status(Runnable work) {
    try {
      work.run();
      return 200;
    } catch (MlflowHttpException refused) {
      return refused.getStatusCode();
    }
  }
}
