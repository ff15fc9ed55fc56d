/**
 * The program that starts every container step. It inserts the path of the working folder, which is unknown before; it
 * accepts arguments of any length, unlike Linux; and it moves artifacts from other paths to the expected output paths.
 */
export const STEP_FOLDER = '.dais';
export const STEP_PROGRAM = `import json, os, sys

here = os.getcwd()
with open('${STEP_FOLDER}/step.json', encoding='utf-8') as file:
    mark, text = file.readline().rstrip('\\n'), file.read()
step = json.loads(text.replace(mark, json.dumps(here)[1:-1]))
for folder in step['folders']:
    os.makedirs(folder, exist_ok=True)


def call():
    # Does the same as the launch script of the SDK, in this process.
    path = os.path.join(here, '${STEP_FOLDER}', 'ephemeral_component.py')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(step['source'])
    os.environ['_KFP_RUNTIME'] = 'true'
    sys.path[0] = ''
    sys.argv = ['executor_main', '--component_module_path', path, *step['words']]
    import runpy
    runpy.run_module('kfp.dsl.executor_main', run_name='__main__', alter_sys=True)


def run():
    import signal, subprocess
    try:
        child = subprocess.Popen(step['words'])
    except OSError as error:
        if error.errno == 7:
            sys.exit('an argument exceeds the limit of Linux (128 KiB): read the input from a file in this component')
        sys.exit(f"{step['words'][0]} cannot be run: {error.strerror}")
    code = child.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    if code != 0:
        sys.exit(code)


def move_artifact(name, place):
    """Moves an artifact from the path that the component reported to the expected path."""
    reported = outputs.get('artifacts', {}).get(name, {}).get('artifacts') or [{}]
    path = reported[0].get('custom_path') or reported[0].get('customPath') or reported[0].get('uri') or ''
    path = os.path.abspath(path) if path.startswith('/') else ''
    target = os.path.join(here, place)
    if path in ('', target) or not os.path.lexists(path):
        return
    import shutil
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    elif os.path.lexists(target):
        os.remove(target)
    if path.startswith(here + os.sep):
        os.rename(path, target)
    elif os.path.isdir(path):
        shutil.copytree(path, target)
    else:
        shutil.copy2(path, target)


call() if 'source' in step else run()
outputs = {}
if os.path.exists(step['output']):
    with open(step['output'], encoding='utf-8') as file:
        outputs = json.loads(file.read() or '{}')
for name, place in step['artifacts'].items():
    move_artifact(name, place)
`;
