import Foundation
import Testing

/// Other people's code that reads the same formats: `Tests/Interop/evidence.go`, built on Go's
/// golang.org/x/mod as Debian packages it.
struct OtherReader {
  private let program: URL
  private let directory: URL

  /// Builds the program, or gives `nil` where Go or x/mod isn't there, and says so.
  ///
  /// With `CI=true` that is a failed test.
  init?() throws {
    let environment = ProcessInfo.processInfo.environment
    guard FileManager.default.fileExists(atPath: "/usr/share/gocode/src/golang.org/x/mod/sumdb")
    else {
      let text = "NOT TESTED: golang-golang-x-mod-dev isn't installed, so no other reader was asked"
      FileHandle.standardError.write(Data("\n*** \(text) ***\n\n".utf8))
      if environment["CI"] == "true" { Issue.record("\(text)") }
      return nil
    }
    directory = FileManager.default.temporaryDirectory
      .appending(path: "other-reader-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    program = directory.appending(path: "evidence")
    let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Interop/evidence.go")
    let build = Process()
    build.executableURL = URL(filePath: "/usr/bin/env")
    build.arguments = ["go", "build", "-o", program.path, source.path]
    // Without modules Go takes packages from GOPATH, where Debian puts them, and asks no network.
    build.environment = environment.merging([
      "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
      "GOCACHE": directory.appending(path: "cache").path,
    ]) { _, ours in ours }
    try build.run()
    build.waitUntilExit()
    try #require(build.terminationStatus == 0, "go build failed")
  }

  /// The answers to `questions`, a line each.
  func answers(_ questions: [String]) throws -> [String] {
    let input = directory.appending(path: "questions-\(UUID().uuidString)")
    let output = directory.appending(path: "answers-\(UUID().uuidString)")
    try Data((questions.joined(separator: "\n") + "\n").utf8).write(to: input)
    try Data().write(to: output)
    let process = Process()
    process.executableURL = program
    process.standardInput = try FileHandle(forReadingFrom: input)
    process.standardOutput = try FileHandle(forWritingTo: output)
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let answers = try String(contentsOf: output, encoding: .utf8).split(separator: "\n")
    try #require(answers.count == questions.count)
    return answers.map(String.init)
  }

  /// Removes what was built.
  func close() { try? FileManager.default.removeItem(at: directory) }
}
