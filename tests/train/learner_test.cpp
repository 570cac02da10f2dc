#include "train/learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/data/temporary_folder.h"
#include "tests/train/small_learner.h"
#include "train/guards.h"
#include "train/json_log.h"
#include "train/metrics.h"
#include "train/predictions.h"
#include "train/progress.h"
#include "train/recorder.h"
#include "train/save.h"
#include "train/schedulers.h"

namespace gw {
namespace {

/// Writes down every moment, with T or V for training or validation.
class Diary : public Callback {
 public:
  void before_fit(Learner&) override { text += "fit("; }
  void after_fit(Learner&) override { text += "!"; }
  void cleanup_fit(Learner&) override { text += ")"; }
  void before_epoch(Learner& learner) override { text += learner.training ? "T[" : "V["; }
  void after_epoch(Learner&) override { text += "!"; }
  void cleanup_epoch(Learner&) override { text += "]"; }
  void before_batch(Learner&) override { text += "<"; }
  void after_predict(Learner&) override { text += "p"; }
  void after_loss(Learner&) override { text += "l"; }
  void after_backward(Learner&) override { text += "b"; }
  void after_step(Learner&) override { text += "s"; }
  void after_batch(Learner&) override { text += "!"; }
  void cleanup_batch(Learner&) override { text += ">"; }
  std::string text;
};

template <class Cancel>
class CancelAfterLoss : public Callback {
 public:
  void after_loss(Learner& learner) override {
    if (learner.training && learner.iteration == 1) throw Cancel{};
  }
};

TEST(Learner, CallsEveryMomentInOrder) {
  const auto diary = std::make_shared<Diary>();
  make_learner({diary}).fit(1);
  EXPECT_EQ(diary->text, "fit(T[<plbs!><plbs!><plbs!><plbs!>!]V[<pl!><pl!>!]!)");
}

TEST(Learner, CancelBatchGoesOnWithTheNext) {
  const auto diary = std::make_shared<Diary>();
  make_learner({diary, std::make_shared<CancelAfterLoss<CancelBatch>>()}).fit(1, {.valid = false});
  EXPECT_EQ(diary->text, "fit(T[<plbs!><pl><plbs!><plbs!>!]!)");
}

TEST(Learner, CancelEpochGoesOnWithTheNext) {
  const auto diary = std::make_shared<Diary>();
  make_learner({diary, std::make_shared<CancelAfterLoss<CancelEpoch>>()}).fit(1);
  EXPECT_EQ(diary->text, "fit(T[<plbs!><pl>]V[<pl!><pl!>!]!)");
}

TEST(Learner, CancelFitEndsIt) {
  const auto diary = std::make_shared<Diary>();
  make_learner({diary, std::make_shared<CancelAfterLoss<CancelFit>>()}).fit(3);
  EXPECT_EQ(diary->text, "fit(T[<plbs!><pl>])");
}

TEST(Learner, CallbacksOfOneFitLeaveAgainAlsoAfterAnError) {
  class Failing : public Callback {
    void after_predict(Learner&) override { throw Error("no"); }
  };
  Learner learner = make_learner();
  EXPECT_THROW(learner.fit(1, {.callbacks = {std::make_shared<Failing>()}}), Error);
  EXPECT_TRUE(learner.callbacks.empty());
  EXPECT_NO_THROW(learner.fit(1));
}

TEST(Learner, OrderDecidesWhoRunsFirst) {
  struct Marker : Callback {
    Marker(int o, std::string* t, char m) : place(o), text(t), mark(m) {}
    int order() const override { return place; }
    void before_fit(Learner&) override { *text += mark; }
    int place;
    std::string* text;
    char mark;
  };
  std::string text;
  make_learner({std::make_shared<Marker>(5, &text, 'c'), std::make_shared<Marker>(-5, &text, 'a'),
                std::make_shared<Marker>(5, &text, 'd'), std::make_shared<Marker>(0, &text, 'b')})
      .fit(0);
  EXPECT_EQ(text, "abcd");
}

TEST(Learner, LearnsAndReports) {
  const auto metrics =
      std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
  const auto recorder = std::make_shared<Recorder>();
  Learner learner = make_learner({metrics, recorder}, 0.5);
  learner.fit(10);
  EXPECT_EQ(learner.step, 40);
  EXPECT_EQ(recorder->losses().size(), 40u);
  EXPECT_LT(recorder->losses().back(), recorder->losses().front() / 2);
  EXPECT_EQ(learner.report.metrics.at(0).second, 1.0);
  EXPECT_THROW(recorder->hyper("beta1"), ConfigError);
  const auto [logits, targets] = predict_validation(learner);
  EXPECT_EQ(logits.shape(), (Shape{20, 2}));
  EXPECT_EQ(accuracy_of(logits, targets), 1.0);
  EXPECT_NEAR(cross_entropy(logits, targets).item(), learner.report.loss, 1e-5);
  EXPECT_EQ(predict_with_flips(learner).first.shape(), (Shape{20, 2}));
}

TEST(Learner, SummaryIsATableForATrainingBatch) {
  const std::string table = make_learner().summary();
  EXPECT_NE(table.find("|Linear|(16, 4)|(16, 2)|10|"), std::string::npos) << table;
}

TEST(Learner, FitTakesALearningRateOfItsOwn) {
  const auto recorder = std::make_shared<Recorder>();
  make_learner({recorder}).fit(1, {.lr = 0.03});
  EXPECT_EQ(recorder->hyper("lr"), std::vector<double>(4, 0.03));
}

TEST(Schedulers, SetTheRateOfEachStepAndEpoch) {
  const auto recorder = std::make_shared<Recorder>();
  const Schedule schedule = [](int64_t i) { return Hypers{{"lr", 0.1 * static_cast<double>(i + 1)}}; };
  make_learner({recorder, std::make_shared<BatchScheduler>(schedule)}).fit(2);
  ASSERT_EQ(recorder->hyper("lr").size(), 8u);
  for (size_t i = 0; i < 8; ++i) EXPECT_DOUBLE_EQ(recorder->hyper("lr")[i], 0.1 * static_cast<double>(i + 1));

  const auto by_epoch = std::make_shared<Recorder>();
  make_learner({by_epoch, std::make_shared<EpochScheduler>(schedule)}).fit(2);
  EXPECT_DOUBLE_EQ(by_epoch->hyper("lr")[3], 0.1);
  EXPECT_DOUBLE_EQ(by_epoch->hyper("lr")[4], 0.2);
}

TEST(Guards, NanStopsTrainingAndNamesTheStep) {
  class Poison : public Callback {
    void after_predict(Learner& learner) override {
      if (learner.step == 5) learner.prediction = learner.prediction * std::numeric_limits<double>::quiet_NaN();
    }
  };
  const TemporaryFolder folder;
  Learner learner =
      make_learner({std::make_shared<Poison>(), std::make_shared<NanGuard>(),
                    std::make_shared<SaveCallback>(folder.file("w"), std::map<std::string, std::string>{})});
  try {
    learner.fit(5);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("at step 6 (epoch 2)"), std::string::npos) << e.what();
  }
  for (const auto& [name, t] : load_safetensors(folder.file("w")).tensors)
    for (float v : t.to_vector<float>()) EXPECT_TRUE(std::isfinite(v)) << name;
}

TEST(Guards, CtrlCEndsAfterTheBatchAndStillSaves) {
  class PressCtrlC : public Callback {
    void after_step(Learner& learner) override {
      if (learner.step == 2) std::raise(SIGINT);
    }
  };
  const TemporaryFolder folder;
  Learner learner =
      make_learner({std::make_shared<PressCtrlC>(), std::make_shared<InterruptGuard>(),
                    std::make_shared<SaveCallback>(folder.file("w"), std::map<std::string, std::string>{})});
  learner.fit(3);
  EXPECT_TRUE(InterruptGuard::interrupted());
  EXPECT_EQ(learner.step, 2);
  const SafetensorsFile file = load_safetensors(folder.file("w"));
  EXPECT_EQ(file.at("1.weight").to_vector<float>(), learner.model->state_dict().at(0).second.to_vector<float>());
}

TEST(Guards, SingleBatchTrainsOnce) {
  const auto diary = std::make_shared<Diary>();
  make_learner({diary, std::make_shared<SingleBatch>()}).fit(1);
  EXPECT_EQ(diary->text, "fit(T[<plbs!>]V[<pl!>]!)");
}

TEST(JsonLog, WritesALinePerEpochAndSplit) {
  const TemporaryFolder folder;
  const auto log = std::make_shared<JsonLog>(folder.file("log.jsonl"));
  const auto metrics =
      std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
  make_learner({metrics, log}).fit(2);
  log->end(0.75);
  std::ifstream in(folder.file("log.jsonl"));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[2]["event"], "epoch");
  EXPECT_EQ(lines[2]["epoch"], 1);
  EXPECT_EQ(lines[2]["split"], "train");
  EXPECT_EQ(lines[3]["split"], "valid");
  EXPECT_TRUE(lines[3]["loss"].is_number());
  EXPECT_EQ(lines[4]["event"], "end");
  EXPECT_EQ(lines[4]["tta_accuracy"], 0.75);
  EXPECT_EQ(lines[4]["valid_accuracy"], lines[3]["accuracy"]);
  EXPECT_THROW(JsonLog(folder.file("no/such/folder")), IoError);
}

TEST(JsonLog, WritesTheMeanLossOfEverySoManySteps) {
  const TemporaryFolder folder;
  const auto recorder = std::make_shared<Recorder>();
  const auto log = std::make_shared<JsonLog>(folder.file("log.jsonl"));
  log->log_steps(recorder, 3);
  make_learner({std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{}), recorder, log}).fit(2);
  const std::vector<float> losses = recorder->losses();
  ASSERT_EQ(losses.size(), 8u);  // four an epoch
  std::vector<nlohmann::json> steps;
  std::ifstream in(folder.file("log.jsonl"));
  for (std::string text; std::getline(in, text);)
    if (auto line = nlohmann::json::parse(text); line["event"] == "steps") steps.push_back(line);
  ASSERT_EQ(steps.size(), 4u);
  const int64_t ends[] = {3, 4, 7, 8};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(steps[i]["step"], ends[i]);
    EXPECT_EQ(steps[i]["epoch"], i / 2);
  }
  EXPECT_NEAR(steps[2]["loss"].get<double>(), (losses[4] + losses[5] + losses[6]) / 3, 1e-6);
  EXPECT_FLOAT_EQ(steps[3]["loss"].get<float>(), losses[7]);
  EXPECT_THROW(log->log_steps(nullptr, 3), ConfigError);
  EXPECT_THROW(log->log_steps(recorder, 0), ConfigError);
  // A run that resumes after the first epoch keeps its lines.
  JsonLog(folder.file("log.jsonl"), 1);
  std::ifstream kept(folder.file("log.jsonl"));
  int lines = 0;
  for (std::string text; std::getline(kept, text); ++lines) EXPECT_EQ(nlohmann::json::parse(text)["epoch"], 0);
  EXPECT_EQ(lines, 4);
}

TEST(Save, RefusesAnImpossiblePathAtOnce) {
  const TemporaryFolder folder;
  EXPECT_THROW(SaveCallback(folder.file("no/such/w"), {}), IoError);
  EXPECT_THROW(SaveCallback(folder.path(), {}), IoError);
}

TEST(Progress, PrintsPlainLinesWhereThereIsNoTerminal) {
  std::FILE* out = std::tmpfile();
  const auto metrics =
      std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
  make_learner({metrics, std::make_shared<ProgressCallback>(out)}).fit(1);
  std::rewind(out);
  char text[1000] = {};
  ASSERT_GT(std::fread(text, 1, sizeof text - 1, out), 0u);
  std::fclose(out);
  const std::string lines = text;
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
  EXPECT_EQ(lines.find('\r'), std::string::npos);
  EXPECT_EQ(lines.rfind("epoch 1/1  train  loss ", 0), 0u) << lines;
  EXPECT_NE(lines.find("accuracy"), std::string::npos);
}

}  // namespace
}  // namespace gw
