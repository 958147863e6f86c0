/// The shells that completion is made for.
package enum CompletionShell: String, CaseIterable, Sendable {
  case bash, zsh, fish

  /// The script for a program, to be sourced or put where the shell looks for such.
  ///
  /// It knows nothing by itself: it asks the program, by the hidden command `__complete`, so that
  /// what is offered fits the release that is installed.
  func script(for program: String) -> String {
    let text =
      switch self {
      case .bash: bashScript
      case .zsh: zshScript
      case .fish: fishScript
      }
    let function = String(program.map { $0 == "-" ? "_" : $0 })
    return text.replacing("PROGRAM", with: program).replacing("FUNCTION", with: function)
  }
}

private let bashScript = #"""
  # bash completion for PROGRAM: source it, or let bash-completion find it.
  _FUNCTION() {
    local i word trimmed line current prefix= count=0 rest=${COMP_LINE:0:COMP_POINT}
    local words=()
    # bash cuts words at = and : too; where no blank stands between, they are one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
      trimmed=${rest#"${rest%%[![:blank:]]*}"}
      word=${COMP_WORDS[i]}
      if ((i > 0 && i == COMP_CWORD)); then word=$trimmed; fi
      if ((i == 0)); then
        words[count++]=$word
        rest=${rest#*"$word"}
      else
        if [[ $trimmed != "$rest" ]]; then words[count++]=; fi
        words[count - 1]+=${word//[\"\'\\]/}
        rest=${trimmed#"$word"}
      fi
    done
    current=${words[count - 1]}
    if [[ $COMP_WORDBREAKS == *=* && $current == --*=* ]]; then prefix=${current%%=*}=; fi
    COMPREPLY=()
    while IFS= read -r line; do
      case $line in
        :file) compopt -o default 2>/dev/null ;;
        :directory) compopt -o dirnames 2>/dev/null ;;
        *)
          line=${line%%$'\t'*}
          COMPREPLY+=("${line#"$prefix"}")
          ;;
      esac
    done < <("${words[0]/#\~/$HOME}" __complete -- "${words[@]:1}" 2>/dev/null)
  }
  complete -o nosort -F _FUNCTION PROGRAM 2>/dev/null || complete -F _FUNCTION PROGRAM

  """#

private let zshScript = #"""
  #compdef PROGRAM
  # zsh completion for PROGRAM: put it into a directory of $fpath as _PROGRAM, or source it after compinit.
  _PROGRAM() {
    local line current=${(Q)${:-$IPREFIX$PREFIX}} offers=
    local -a before described
    before=(${words[2,CURRENT-1]})
    while IFS= read -r line; do
      case $line in
        :*) offers=$line ;;
        *$'\t'*) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        *) described+=("${line//:/\\:}") ;;
      esac
    done < <("${${(Q)words[1]}/#\~/$HOME}" __complete -- "${(@Q)before}" "$current" 2>/dev/null)
    if [[ $PREFIX == --*=* ]]; then
      compset -P '--*='
      described=("${(@)described#--*=}")
    fi
    case $offers in
      :file) _files ;;
      :directory) _files -/ ;;
    esac
    (( $#described )) && _describe -V 'PROGRAM' described
  }
  if [[ ${funcstack[1]} == _PROGRAM ]]; then
    _PROGRAM "$@"
  else
    compdef _PROGRAM PROGRAM
  fi

  """#

private let fishScript = #"""
  # fish completion for PROGRAM: put it into ~/.config/fish/completions as PROGRAM.fish.
  function __FUNCTION_complete
    set -l before (commandline -opc)
    set -l program (string replace -r '^~' $HOME -- $before[1])
    set -e before[1]
    set -l current (commandline -ct)
    set -l prefix (string match -r '^--[a-z-]+=' -- "$current")
    set -l rest (string replace -r '^--[a-z-]+=' '' -- "$current")
    for line in ($program __complete -- $before "$current" 2>/dev/null)
      switch $line
        case :file
          for path in (__fish_complete_path "$rest")
            echo "$prefix$path"
          end
        case :directory
          for path in (__fish_complete_directories "$rest" '')
            echo "$prefix$path"
          end
        case '*'
          echo $line
      end
    end
  end
  complete -c PROGRAM -f -k -a '(__FUNCTION_complete)'

  """#
