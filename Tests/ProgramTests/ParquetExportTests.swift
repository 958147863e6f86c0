import Foundation
import Simulation
import Testing

@Suite("Exports as Parquet, by the program")
struct ParquetExportTests {
  /// A directory that goes with the last reference.
  private final class Folder {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("parquet-export-\(UUID().uuidString)").path

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static let ledgers = ["first-day", "recheck-sound", "small-segments"].map {
    "\(ProgramLedger.repository)/ledger/golden/\($0)/ledger"
  }

  private func export(_ ledger: String, _ out: String, _ arguments: [String]) throws -> Ended {
    try Shell.run("ledger-audit", ["export", "-C", ledger, "--out", out] + arguments)
  }

  @Test("every table is what the CSV is, row for row", arguments: ledgers)
  func sameAsCSV(ledger: String) throws {
    let folder = try Folder()
    let ways: [(name: String, options: [String])] = [
      ("plain", []), ("packed", ["--compression", "none"]), ("day", ["--partition", "day"]),
      ("month", ["--partition", "month", "--compression", "zstd"]),
    ]
    for filter in [[], ["--until", "2026-11-23T00:00:00Z"], ["--channel", "sms"]] {
      let base = "\(folder.path)/\(filter.last?.prefix(3) ?? "all")"
      let csv = try export(ledger, "\(base)-csv", ["--format", "csv"] + filter)
      #expect(csv.status == 0, "\(csv.talk)")
      for (name, options) in ways {
        let arguments = ["--format", "parquet"] + options + filter
        let ended = try export(ledger, "\(base)-\(name)", arguments)
        #expect(ended.status == 0, "\(ended.talk)")
        let partition = ["day", "month"].contains(name) ? [name] : []
        let said = try runTestPython(
          "compare_tables.py", ["\(base)-csv", "\(base)-\(name)"] + partition)
        #expect(said.status == 0, "\(name) \(filter): \(said.output)")
        if filter.isEmpty { #expect(!said.output.hasPrefix("0 rows")) }
      }
    }
  }

  @Test("only the tables that are asked for are written, the same at each call")
  func tables() throws {
    let folder = try Folder()
    let arguments = ["--format", "parquet", "--tables", "results,attempts"]
    for name in ["a", "b"] {
      let ended = try export(Self.ledgers[0], "\(folder.path)/\(name)", arguments)
      #expect(ended.status == 0, "\(ended.talk)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a").sorted()
    #expect(names == ["attempts.parquet", "manifest.json", "results.parquet"])
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder.path + "/a", andPath: folder.path + "/b"))
    let again = try export(Self.ledgers[0], "\(folder.path)/a", arguments)
    #expect(again.status == 73)
  }

  @Test("what only Parquet files can be is refused of other formats, before anything is written")
  func misplaced() throws {
    let folder = try Folder()
    for option in [["--partition", "day"], ["--compression", "none"]] {
      for format in ["csv", "sqlite", "jsonl", "tlog", "bundle"] {
        let out = folder.path + "/out"
        let ended = try export(Self.ledgers[0], out, ["--format", format] + option)
        #expect(ended.status == 64, "\(format) \(option)")
        #expect(!FileManager.default.fileExists(atPath: out))
      }
    }
    let wrong = ["--format", "parquet", "--compression", "snappy"]
    #expect(try export(Self.ledgers[0], folder.path + "/out", wrong).status == 64)
    #expect(try export(Self.ledgers[0], "-", ["--format", "parquet"]).status == 64)
  }

  @Test("nothing in the ledger is opened for writing, made or renamed")
  func readsOnly() throws {
    let folder = try Folder()
    let ledger = Self.ledgers[0]
    let arguments = ["--format", "parquet", "--partition", "day", "-C", ledger]
    // With -y a call is shown with the path that its directory has.
    let trace = try Shell.run(
      "/usr/bin/strace",
      [
        "-f", "-y", "-e",
        "trace=openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,mkdirat,flock",
        Shell.products.appendingPathComponent("ledger-audit").path, "export", "--out",
        "\(folder.path)/out",
      ] + arguments)
    #expect(trace.status == 0)
    let lines = trace.talk.split(separator: "\n")
    let inLedger = lines.filter { $0.contains(ledger) }
    #expect(inLedger.count > 2)
    for line in inLedger {
      #expect(line.contains("openat(") && line.contains("O_RDONLY"), "\(line)")
      #expect(!line.contains("O_CREAT") && !line.contains("O_TRUNC"), "\(line)")
    }
    #expect(lines.contains { $0.contains(".parquet.partial") && $0.contains("O_CREAT") })
  }

  @Test("a symbolic link in place of a folder for a day isn't followed")
  func link() throws {
    let (folder, elsewhere) = (try Folder(), try Folder())
    let out = folder.path + "/out"
    let arguments = ["--format", "parquet", "--partition", "day", "--tables", "attempts"]
    #expect(try export(Self.ledgers[0], out, arguments).status == 0)
    let day = try #require(
      FileManager.default.contentsOfDirectory(atPath: out + "/attempts").first)
    try FileManager.default.removeItem(atPath: "\(out)/attempts/\(day)")
    try FileManager.default.createSymbolicLink(
      atPath: "\(out)/attempts/\(day)", withDestinationPath: elsewhere.path)
    let ended = try export(Self.ledgers[0], out, arguments + ["--resume"])
    #expect(ended.status == 74)
    #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere.path).isEmpty)
  }
}
