-- The plugin for Neovim as it is found: what a start costs, and whether the help has everything and leads somewhere. Run by
-- tests/editor/run-neovim; the last line is `N passed, M failed`.
package.path = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/?.lua;' .. package.path
local h = require('harness')
local check, equal = h.check, h.equal

--- How a Neovim that is just starting takes it: what it has loaded by then, and how long the plugin took.
local function fresh_start()
  local script = [[
    vim.opt.runtimepath:prepend(os.getenv('PLUGIN'))
    local begun = vim.uv.hrtime()
    vim.cmd.runtime('plugin/tagout.lua')
    local took = (vim.uv.hrtime() - begun) / 1e6
    local ours = vim.iter(pairs(package.loaded)):any(function(name) return vim.startswith(name, 'tagout') end)
    io.stdout:write(vim.json.encode({ took = took, ours = ours, client = package.loaded['vim.lsp'] ~= nil }))
  ]]
  local path = vim.fs.dirname(h.workspace) .. '/fresh.lua'
  h.write(path, script)
  local command = { vim.v.progpath, '--headless', '-u', 'NONE', '-i', 'NONE', '-n', '-c', 'luafile ' .. path, '-c', 'qa!' }
  local done = vim.system(command, { text = true, env = { PLUGIN = h.plugin } }):wait()
  return vim.json.decode(done.stdout)
end

local function starting()
  local fresh = fresh_start()
  -- Printed, not asserted: how long it takes is the machine's as well.
  h.say('figure: plugin load %.2f ms', fresh.took)
  equal('loading the plugin loads none of its modules', fresh.ours, false)
  equal('nor the language client', fresh.client, false)
end

local function documented()
  local copy = vim.fs.dirname(h.workspace) .. '/doc'
  vim.fn.mkdir(copy, 'p')
  local help = h.read(h.plugin .. '/doc/tagout.txt')
  h.write(copy .. '/tagout.txt', help)
  local ok, problem = pcall(vim.cmd.helptags, copy)
  check('the help has tags, and none twice', ok, problem)
  local tags = h.read(copy .. '/tags') or ''
  local function has(tag) return ('\n' .. tags):find('\n' .. tag .. '\t', 1, true) ~= nil end
  for name in vim.spairs(require('tagout.command').SUBCOMMANDS) do
    check('the help has :Tagout-' .. name, has(':Tagout-' .. name))
  end
  for name, value in vim.spairs(require('tagout')) do
    if type(value) == 'function' then check(('the help has tagout.%s()'):format(name), has(('tagout.%s()'):format(name))) end
  end
  local _, problems = (function()
    vim.g.tagout = { unknown = 1 }
    return require('tagout.settings').read()
  end)()
  for setting in problems[1]:match('there are (.*)$'):gmatch('%w+') do
    check('the help has the setting ' .. setting, has('g:tagout.' .. setting))
  end
  vim.g.tagout = { command = h.server }
  for reference in help:gmatch('|([^|%s]+)|') do
    local known = has(reference) or #vim.fn.getcompletion(reference, 'help') > 0
    check('the help leads somewhere by ' .. reference, known)
  end
  local long = vim.tbl_filter(function(line) return vim.fn.strdisplaywidth(line) > 80 end, vim.split(help, '\n'))
  equal('no line of it is longer than a page', long, {})
end

h.load()
h.run({
  { 'a start', starting },
  { 'the help', documented },
})
h.finish()
