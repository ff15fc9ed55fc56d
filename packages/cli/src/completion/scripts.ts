/** Scripts that make a shell call `dais __complete` for completions. */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of dais
_dais() {
  local line="\${COMP_LINE:0:COMP_POINT}" word
  local -a words=() found=()
  # Read again from the line: bash also parts words at = and :, dais does not.
  while IFS= read -r word; do words+=("$word"); done < <(tr -s ' ' '\\n' <<< "$line")
  [[ "$line" == *' ' ]] && words+=('')
  while IFS= read -r word; do found+=("\${word%%$'\\t'*}"); done < <(dais __complete "\${words[@]:1}" 2>/dev/null)
  if [[ "\${found[0]}" == ':files' ]]; then
    compopt -o default
    COMPREPLY=()
  else
    COMPREPLY=("\${found[@]}")
  fi
}
complete -F _dais dais
`,
  zsh: `#compdef dais
# zsh completion of dais
_dais() {
  local -a answer values
  answer=("\${(@f)$(dais __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${answer[1]}" == ':files' ]]; then
    _files
    return
  fi
  local one
  for one in $answer; do
    [[ -z "$one" ]] && continue
    if [[ "$one" == *$'\\t'* ]]; then
      values+=("\${\${one%%$'\\t'*}//:/\\\\:}:\${one#*$'\\t'}")
    else
      values+=("\${one//:/\\\\:}")
    fi
  done
  _describe -V dais values
}
if [[ "$funcstack[1]" = '_dais' ]]; then _dais "$@"; else compdef _dais dais; fi
`,
  fish: `# fish completion of dais
function __dais_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l answer (dais __complete $words[2..-1] 2>/dev/null)
  if test "$answer[1]" = ':files'
    __fish_complete_path (commandline -ct)
    return
  end
  printf '%s\\n' $answer
end
complete -c dais -f -a '(__dais_complete)'
`,
};
