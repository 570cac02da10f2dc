// From a folder to items: files, split, labels, categories.
#include <gtest/gtest.h>

#include <filesystem>

#include "data/image_items.h"
#include "tensor/error.h"
#include "tests/data/temporary_folder.h"

namespace gw {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

/// Paths as below the folder.
Names relative(const Names& paths, const std::string& root) {
  Names names;
  for (const std::string& p : paths) names.push_back(fs::relative(p, root).native());
  return names;
}

template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(FindFiles, AtAnyDepthSortedAndByTheirEnding) {
  const TemporaryFolder folder;
  for (const char* name :
       {"b/2.PNG", "a/x/1.jpg", "a/1.jpeg", "a/readme.txt", ".hidden/1.jpg", "a/.1.jpg", "a b/\xff.png"})
    folder.write(name, "x");
  EXPECT_EQ(relative(find_files(folder.path()), folder.path()),
            (Names{"a b/\xff.png", "a/1.jpeg", "a/x/1.jpg", "b/2.PNG"}));
  EXPECT_EQ(relative(find_files(folder.path(), {".txt"}), folder.path()), (Names{"a/readme.txt"}));
  EXPECT_EQ(find_files(folder.path(), {}).size(), 5u);
}

TEST(FindFiles, LoopsOfLinksEndAndBrokenLinksAreNothing) {
  const TemporaryFolder folder;
  folder.write("a/1.png", "x");
  fs::create_directory_symlink(folder.path(), folder.file("a/up"));
  fs::create_directory_symlink(folder.file("a"), folder.file("a/self"));
  fs::create_symlink("nowhere", folder.file("a/broken.png"));
  fs::create_symlink(folder.file("a/1.png"), folder.file("linked.png"));
  EXPECT_EQ(relative(find_files(folder.path()), folder.path()).size(), 2u);
}

TEST(FindFiles, NamesTheFolderThatIsNotThere) {
  EXPECT_NE(error_of([] { find_files("/nowhere/at/all"); }).find("/nowhere/at/all"), std::string::npos);
}

TEST(Split, ByFolders) {
  const Names paths = {"d/train/a/1", "d/test/a/2", "d/valid/b/3", "d/other/b/4", "d/train/b/5"};
  const Split split = split_by_grandparent(paths);
  EXPECT_EQ(split.train, (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(split.valid, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(split_by_parent({"train/1", "val/2"}).valid, (std::vector<int64_t>{1}));
  EXPECT_THROW(split_by_grandparent({"d/train/a/1"}), ConfigError);
  EXPECT_EQ(split_where(paths, [](const std::string& p) { return p.ends_with("5"); }).valid, (std::vector<int64_t>{4}));
}

TEST(Split, AtRandomButTheSameForASeed) {
  Generator a(1), b(1), c(2);
  const Split split = split_randomly(100, 0.2, a);
  EXPECT_EQ(split.valid.size(), 20u);
  EXPECT_EQ(split.train.size(), 80u);
  EXPECT_EQ(split_randomly(100, 0.2, b).valid, split.valid);
  EXPECT_NE(split_randomly(100, 0.2, c).valid, split.valid);
  EXPECT_EQ(split_randomly(3, 0.01, a).valid.size(), 1u);
  EXPECT_THROW(split_randomly(1, 0.5, a), ConfigError);
  EXPECT_THROW(split_randomly(10, 1.0, a), ConfigError);
}

TEST(Labels, FromFoldersAndNames) {
  EXPECT_EQ(parent_label("x/cat/1.png"), "cat");
  EXPECT_EQ(regex_label("(.+)_\\d+\\.jpg$")("d/great_pyrenees_173.jpg"), "great_pyrenees");
  EXPECT_NE(error_of([] { regex_label("(.+)_\\d+")("d/cat.jpg"); }).find("d/cat.jpg"), std::string::npos);
  EXPECT_THROW(regex_label("(unclosed"), ConfigError);
  EXPECT_THROW(regex_label("no group"), ConfigError);
}

TEST(Categories, KeepTheTrainingVocabulary) {
  const Categories categories({"dog", "cat", "dog"});
  EXPECT_EQ(categories.names(), (Names{"cat", "dog"}));
  EXPECT_EQ(categories.indices_of({"dog", "cat"}), (std::vector<int64_t>{1, 0}));
  EXPECT_NE(error_of([&] { categories.index_of("cow"); }).find("'cow'"), std::string::npos);
  const Categories open({"dog", "cat"}, Categories::Unseen::unknown);
  EXPECT_EQ(open.size(), 3);
  EXPECT_EQ(open.index_of("cow"), 2);
  EXPECT_EQ(Categories({"unknown", "a"}, Categories::Unseen::unknown).size(), 2);
}

TEST(DataBlock, FromAFolderToItems) {
  const TemporaryFolder folder;
  for (const char* name : {"train/cat/1.png", "train/dog/2.png", "train/dog/3.png", "valid/dog/4.png"})
    folder.write(name, "x");
  const ImageItemsPair items = DataBlock{}.items(folder.path());
  EXPECT_EQ(items.train.classes, (Names{"cat", "dog"}));
  EXPECT_EQ(items.train.labels, (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(items.valid.labels, (std::vector<int64_t>{1}));
  EXPECT_EQ(items.train.spread(2).paths.size(), 2u);
  folder.write("valid/cow/5.png", "x");
  EXPECT_NE(error_of([&] { DataBlock{}.items(folder.path()); }).find("'cow'"), std::string::npos);
}

TEST(DataBlock, FoldersThatTeachNothing) {
  const TemporaryFolder empty;
  EXPECT_THROW(DataBlock{}.items(empty.path()), IoError);
  empty.write("train/cat/1.png", "x");
  EXPECT_THROW(DataBlock{}.items(empty.path()), ConfigError);  // nothing for validation
  empty.write("valid/cat/1.png", "x");
  EXPECT_THROW(DataBlock{}.items(empty.path()), ConfigError);  // one class
}

}  // namespace
}  // namespace gw
