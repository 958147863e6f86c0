import Foundation

/// Runs programs on a terminal of a given size, as a person sees them.
enum Terminal {
  enum Step {
    case await(String)
    case type(String)
  }

  /// - Parameter environment: Set for the program, beside what the tests themselves were given.
  static func run(
    _ command: [String], columns: Int = 80, lines: Int = 24, environment: [String: String] = [:],
    steps: [Step] = []
  ) throws -> Ended {
    var arguments = [
      "-B", ProgramLedger.repository + "/Tests/Servers/terminal.py", "--columns", "\(columns)",
      "--lines", "\(lines)",
    ]
    for step in steps {
      switch step {
      case .await(let text): arguments += ["--await=" + text]
      case .type(let text): arguments += ["--type=" + text]
      }
    }
    // What the tests' own surroundings say of terminals doesn't count.
    let removed = ["COLUMNS", "LINES", "NO_COLOR", "CLICOLOR_FORCE", "PAGER", "LESS"]
      .flatMap { ["-u", $0] }
    let path = Shell.products.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    let variables = environment.merging(["TERM": "xterm", "PATH": path]) { given, _ in given }
      .map { "\($0.key)=\($0.value)" }
    return try Shell.run(
      "/usr/bin/env", removed + variables + ["python3"] + arguments + command)
  }
}
