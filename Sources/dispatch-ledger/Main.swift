import CommandLineInterface
import OperatorCommands
import SystemConsole

@main
enum Program {
  static func main() {
    runProgram { arguments, console in
      operatorTable.run(arguments, in: .system, on: console)
    }
  }
}
