import AuditorCommands
import Bytes
import CommandLineInterface
import Ledger
import OperatorCommands
import Platform

/// Makes a golden ledger: runs a story's commands through the programs' own tables, in surroundings
/// that are the same on every machine, and writes the ledger and a transcript of what was printed.
///
/// Not installed. `golden-ledger STORY OUT`: STORY holds `commands`, one a line; OUT must not
/// exist.
@main
enum Program {
  static func main() {
    prepareProcess()
    do {
      let arguments = try programArguments()
      guard arguments.count == 2 else { fail("usage: golden-ledger STORY OUT") }
      try Story(folder: arguments[0], out: arguments[1]).run()
    } catch {
      fail("\(error)")
    }
  }
}

private func fail(_ text: String) -> Never {
  _ = StandardStream.error.write("golden-ledger: \(text)\n")
  exitProcess(1)
}

/// One story: its commands, and the ledger that they make.
struct Story {
  let folder: String
  let out: String

  func run() throws(PlatformError) {
    let text = String(
      decoding: try readFile(joinPath(folder, "commands"), limit: 1 << 20), as: UTF8.self)
    let out = try absolutePath(out)
    try createDirectories(out)
    let ledger = joinPath(out, "ledger")
    let world = GoldenWorld()
    var transcript = ""
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      if line.hasPrefix("segments of "), let bytes = UInt64(line.dropFirst("segments of ".count)) {
        world.segmentBytes = bytes
        continue
      }
      transcript += "$ \(line)\n"
      transcript += try answer(words(String(line)), ledger, world)
    }
    let shown = replacing(ledger, with: "LEDGER", in: transcript)
    try replaceFile(joinPath(out, "transcript"), with: Array(shown.utf8), permissions: 0o644)
  }

  private func answer(
    _ words: [String], _ ledger: String, _ world: GoldenWorld
  ) throws(PlatformError) -> String {
    let streams = Streams()
    let status: ExitStatus
    switch words.first {
    case "dispatch-ledger"?:
      status = operatorTable.run(
        Array(words.dropFirst()) + ["-C", ledger],
        in: OperatorWorld { _ in world.surroundings }, on: streams.console)
    case "ledger-audit"?:
      status = auditorTable.run(
        Array(words.dropFirst()) + ["-C", ledger], in: AuditorWorld(now: world.now),
        on: streams.console)
    case "cp"? where words.count == 2:
      try replaceFile(
        joinPath(ledger, "config.json"), with: try readFile(words[1], limit: 1 << 20))
      return ""
    default: fail("no such command: \(words)")
    }
    var text = String(decoding: streams.output, as: UTF8.self)
    for line in String(decoding: streams.talk, as: UTF8.self).split(separator: "\n") {
      text += "2> \(line)\n"
    }
    return status == .done ? text : text + "exit \(status.rawValue)\n"
  }

  /// The words of a line; single quotes keep spaces.
  private func words(_ line: String) -> [String] {
    line.split(separator: "'", omittingEmptySubsequences: false).enumerated()
      .flatMap { index, part in
        index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
      }
  }

  private func replacing(_ text: String, with other: String, in whole: String) -> String {
    var (result, rest) = ([UInt8](), Array(whole.utf8)[...])
    while !rest.isEmpty {
      if rest.starts(with: text.utf8) {
        result += Array(other.utf8)
        rest = rest.dropFirst(text.utf8.count)
      } else {
        result.append(rest.removeFirst())
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// A clock that goes on by a second each time it is read, and random numbers that are always the
/// same.
final class GoldenWorld {
  private var reads: Int64 = 0
  private var draws: UInt64 = 0
  /// What a story says with `segments of BYTES`.
  var segmentBytes: UInt64?

  func now() -> Instant {
    reads += 1
    // 2026-11-23T17:00:00Z
    guard let instant = Instant(microseconds: (1_795_453_200 + reads) * 1_000_000) else {
      fail("the clock ran out")
    }
    return instant
  }

  private func random(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      draws += 1
      bytes += SHA256.hash(Array("golden \(draws)".utf8)).bytes
    }
    return Array(bytes.prefix(count))
  }

  var surroundings: Surroundings {
    let zones = ZoneDatabase.system
    var surroundings = Surroundings(
      now: now, random: { self.random($0) },
      zoneFile: { name in (try? zones?.zone(named: name)) ?? nil }, tzdata: "2025b",
      actor: "user:ops@example")
    if let segmentBytes { surroundings.segmentBytes = segmentBytes }
    return surroundings
  }
}

/// Streams that remember.
final class Streams {
  private(set) var output: [UInt8] = []
  private(set) var talk: [UInt8] = []

  var console: Console {
    Console(
      environment: { _ in nil },
      output: { (bytes) throws(SinkError) in self.output += bytes },
      talk: { (bytes) throws(SinkError) in self.talk += bytes },
      outputIsTerminal: false, talkIsTerminal: false, width: 80)
  }
}
