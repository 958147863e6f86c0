import AuditorCommands
import CommandLineInterface
import SystemConsole

@main
enum Program {
  static func main() {
    runProgram { arguments, console in
      auditorTable.run(arguments, in: .system, on: console)
    }
  }
}
