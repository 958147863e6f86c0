import Foundation

/// What a program that has ended left behind.
struct Ended {
  let status: Int32
  let output: String
  let talk: String
}

/// Runs the programs as they ship, from the folder that the tests were built in.
enum Shell {
  static let products = URL(fileURLWithPath: CommandLine.arguments[0])
    .deletingLastPathComponent()

  static func process(_ program: String, _ arguments: [String]) -> Process {
    let process = Process()
    if program.hasPrefix("/") {
      process.executableURL = URL(fileURLWithPath: program)
    } else {
      process.executableURL = products.appendingPathComponent(program)
    }
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs a program to its end.
  static func run(
    _ program: String, _ arguments: [String], input: String? = nil
  ) throws -> Ended {
    let process = process(program, arguments)
    let (output, talk) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = talk
    if let input {
      let pipe = Pipe()
      process.standardInput = pipe
      try process.run()
      try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try pipe.fileHandleForWriting.close()
    } else {
      try process.run()
    }
    // What is small enough for a pipe may be read one stream after the other.
    let out = output.fileHandleForReading.readDataToEndOfFile()
    let err = talk.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Ended(
      status: process.terminationReason == .exit ? process.terminationStatus : -1,
      output: String(decoding: out, as: UTF8.self), talk: String(decoding: err, as: UTF8.self))
  }
}

/// A ledger made by the program itself, in a directory that goes with the last reference.
final class ProgramLedger {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("program-\(UUID().uuidString)").path

  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  static let requests = repository + "/ledger/golden/requests"

  static let catalogue = #"""
    {"user_groups":[{"id":"industrial","name":"Industrial sites"}],
     "event_types":[{"id":"1","name":"Emergency","user_group_ids":["industrial"]}],
     "programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
       "communication_codes":["sms","console"],"lead_time":"PT30M"}],
     "users":[
      {"id":"u-1","name":"Ada","user_group_ids":["industrial"],"contacts":{"sms":"+15551234567"}},
      {"id":"u-2","name":"Ben","user_group_ids":["industrial"],"contacts":{"console":"u-2"}}]}
    """#

  init() throws {
    for arguments in [["init", "--origin", "example.com/dr"]] {
      _ = try operate(arguments)
    }
    _ = try operate(["import", "-"], input: Self.catalogue)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes the ledger's settings.
  func configure(_ settings: String) throws {
    try Data(settings.utf8).write(to: URL(fileURLWithPath: path + "/config.json"))
  }

  @discardableResult
  func operate(_ arguments: [String], input: String? = nil) throws -> Ended {
    try Shell.run("dispatch-ledger", arguments + ["-C", path], input: input)
  }

  /// The second implementation's report, and its exit status.
  func verify() throws -> Ended {
    try Shell.run(
      "/usr/bin/env", ["python3", "-B", Self.repository + "/tools/verify-ledger.py", path])
  }

  /// All event lines, in order.
  func eventLines() throws -> [String] {
    let directory = path + "/log"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    return try names.flatMap { name in
      try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
        .split(separator: "\n").filter { $0.hasPrefix("{") }.map(String.init)
    }
  }

  func bytes(of name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
  }
}

/// A file that goes with the last reference.
final class TemporaryText {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("text-\(UUID().uuidString)").path

  init(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The object that a text is.
func object(_ text: String) throws -> [String: Any] {
  try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
}
