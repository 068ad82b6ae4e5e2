-- The plugin for Neovim where something is wrong: the program, the settings, the folder, the server's end in the middle of
-- a review, another Neovim over the same folder. Run by tests/editor/run-neovim; the last line is `N passed, M failed`.
package.path = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/?.lua;' .. package.path
local h = require('harness')
local check, equal, eventually = h.check, h.equal, h.eventually
local rates = h.workspace .. '/src/rates.rs'
local beside = vim.fs.dirname(h.workspace)

local function clients() return vim.lsp.get_clients({ name = 'tagout' }) end

--- Takes other settings into use, with all that was said of the ones before forgotten.
local function with(settings)
  h.messages = {}
  vim.g.tagout = settings
  local over = false
  require('tagout.server').stop(function() over = true end)
  check('the server before has ended', eventually(function() return over and #clients() == 0 end))
  vim.cmd('silent! %bwipeout!')
  vim.lsp.enable('tagout')
end

local function open_again() h.open(rates) end

local function missing()
  h.load({ command = '/nowhere/tagout' })
  open_again()
  check('a missing program is named, with what to do', eventually(function()
    return h.was_told('there is no program /nowhere/tagout: install tagout')
  end), h.messages)
  h.open(h.workspace .. '/src/label.rs')
  h.settle()
  equal('once, however many files are opened', h.times_told('/nowhere/tagout'), 1)
  vim.cmd('Tagout run true')
  check('a command says so too', h.times_told('/nowhere/tagout') == 2, h.messages)
  vim.cmd('checkhealth tagout')
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  check('and the health check', text:find('there is no program /nowhere/tagout', 1, true), text)
end

local function not_executable()
  local path = h.script('not-executable', '#!/bin/sh\n', tonumber('644', 8))
  with({ command = path })
  open_again()
  check('a program that is not executable is told from a missing one', eventually(function()
    return h.was_told('cannot be executed: try chmod +x ' .. path)
  end), h.messages)
end

local function no_program()
  with({ command = h.script('no-program', '#!/nowhere/interpreter\n') })
  open_again()
  check('a script whose interpreter is missing is named', eventually(function() return h.was_told('cannot be started') end), h.messages)
  h.open(h.workspace .. '/src/label.rs')
  h.settle()
  equal('once', h.times_told('cannot be started'), 1)
end

local function crashing()
  local count = beside .. '/starts'
  with({ command = h.script('crashing', ('#!/bin/sh\necho started >> %s\nexit 3\n'):format(count)) })
  open_again()
  check('one that ends at its start is given up after a few times', eventually(function()
    return h.was_told('ended 5 times')
  end), h.messages)
  local starts = h.count(h.read(count), 'started')
  equal('it was started as often', starts, 5)
  h.open(h.workspace .. '/src/label.rs')
  h.settle()
  equal('and is not for another file', h.count(h.read(count), 'started'), starts)
  vim.cmd('Tagout status')
  check('a command says why nothing runs', h.times_told('ended 5 times') == 2, h.messages)
  -- The program is put right; a restart is all it takes.
  vim.g.tagout = { command = h.server }
  vim.cmd('Tagout restart')
  check('after a restart it works', h.attached(), h.messages)
end

local function crashing_thrice()
  local names, count = { 'left', 'middle', 'right' }, beside .. '/starts-by-folder'
  with({ command = h.script('crashing-by-folder', ('#!/bin/sh\necho "in $PWD" >> %s\nexit 3\n'):format(count)) })
  for _, name in ipairs(names) do
    vim.fn.mkdir(('%s/%s/.git'):format(beside, name), 'p')
    h.write(('%s/%s/one.rs'):format(beside, name), 'fn one() {}\n')
    h.open(('%s/%s/one.rs'):format(beside, name))
  end
  check('each of three folders is given up for itself', eventually(function()
    return h.times_told('ended 5 times') == #names
  end), h.messages)
  for _, name in ipairs(names) do
    equal(name .. ' is, once', h.times_told(('for %s/%s ended 5 times'):format(beside, name)), 1)
  end
  local starts = h.count(h.read(count), 'in ')
  equal('none was started more often than that', starts, 5 * #names)
  -- Longer than the longest pause before a start.
  vim.wait(5000, function() return h.count(h.read(count), 'in ') ~= starts end)
  equal('and it holds', { h.count(h.read(count), 'in '), h.times_told('ended 5 times') }, { starts, #names })
  vim.cmd('checkhealth tagout')
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  equal('the health check has all three', h.count(text, 'ended 5 times'), #names)
end

local function old()
  -- The real server, whose version is another one on its way to the editor.
  local path = h.script('old', ([==[#!/usr/bin/env python3
import os, subprocess, sys
server = subprocess.Popen([%q, *sys.argv[1:]], stdout=subprocess.PIPE)
while chunk := os.read(server.stdout.fileno(), 65536):
    chunk = chunk.replace(b'"name":"tagout","version":"0.1.0"', b'"name":"tagout","version":"0.0.1"')
    os.write(1, chunk.replace(b'"tagout.overview"', b'"tagout.sumthing"'))
sys.exit(server.wait())
]==]):format(h.server))
  with({ command = path })
  open_again()
  check('an older server is named, with what to do', eventually(function()
    return h.was_told('(0.0.1) is older than this plugin, which needs 0.1.0: update it')
  end), h.messages)
  for _, subcommand in ipairs({ 'review', 'trust', 'mode' }) do
    h.messages = {}
    vim.cmd('Tagout ' .. subcommand)
    check(subcommand .. ' says so', h.was_told('older than this plugin: update it'), h.messages)
  end
  vim.cmd('Tagout rewrite $A.unwrap_or(0) => $A.unwrap_or_default()')
  check('what needs no overview works', eventually(function() return #vim.diagnostic.get(0) == 2 end), h.messages)
end

local function configured()
  -- As a user has it who names the command in Neovim's own way.
  with({ command = '/nowhere/tagout' })
  vim.lsp.config('tagout', { cmd = { h.server, 'lsp' } })
  open_again()
  check('a command in the configuration of Neovim counts', h.attached(), h.messages)
  equal('and no other is looked for', h.times_told('/nowhere/tagout'), 0)
  vim.lsp.config.tagout = {}
end

local function wrong_settings()
  with('not a table')
  vim.cmd('Tagout status')
  check('settings that are no table are named', h.was_told('vim.g.tagout is no table'), h.messages)
  with({ command = { '~/bin/tagout', '~' } })
  equal('the home folder is known in the program', require('tagout.settings').get().command, { vim.env.HOME .. '/bin/tagout', '~' })
  with({ command = 7, announce = 'yes', enabled = true })
  vim.cmd('Tagout status')
  for _, text in ipairs({ 'command has to be a string', 'announce has to be true or false', 'enabled is no setting' }) do
    check('named: ' .. text, h.was_told(text), h.messages)
  end
  vim.cmd('Tagout status')
  equal('each once', h.times_told('command has to be'), 1)
  equal('the default holds', require('tagout.settings').get().command, { 'tagout' })
end

local function no_folder()
  with({ command = h.server })
  vim.fn.mkdir(beside .. '/loose/inner', 'p')
  local file = beside .. '/loose/inner/notes.md'
  h.write(file, '# Notes\n')
  h.open(file)
  h.settle()
  equal('a file in no folder has no server', #clients(), 0)
  for _, subcommand in ipairs({ 'review', 'run true', 'status', 'mode', 'trust', 'revoke', 'recipe' }) do
    h.messages = {}
    vim.cmd('Tagout ' .. subcommand)
    check(subcommand .. ' says so, with the next step', h.was_told(':Tagout open FOLDER'), h.messages)
  end
  vim.cmd('Tagout open ' .. beside .. '/loose')
  check('which starts one', h.attached(), h.messages)
  equal('for that folder', h.status().folder, beside .. '/loose')
  vim.cmd('enew')
  vim.bo.filetype = 'rust'
  h.settle()
  equal('a buffer without a file has none', #vim.lsp.get_clients({ bufnr = 0 }), 0)
end

local function several_folders()
  vim.fn.mkdir(beside .. '/second/.git', 'p')
  h.write(beside .. '/second/one.rs', 'fn one() -> u32 { Some(1).unwrap_or(0) }\n')
  h.open(beside .. '/second/one.rs')
  check('a second folder has a server of its own', eventually(function() return #clients() == 2 end))
  check('which is for that folder', eventually(function() return h.status().folder == beside .. '/second' end), h.status())
  vim.cmd('Tagout rewrite $A.unwrap_or(0) => $A.unwrap_or_default()')
  check('a command is for the folder of the file', eventually(function() return h.status().pending == 1 end), h.messages)
  equal('and for no other', require('tagout').status(vim.fn.bufnr('notes.md')).pending, 0)
end

local function removed_folder()
  vim.fn.delete(beside .. '/second', 'rf')
  h.settle()
  vim.cmd('Tagout index')
  vim.cmd('Tagout rewrite a => b')
  h.settle()
  check('a folder that is removed ends nothing', #clients() == 2, clients())
  vim.cmd('Tagout review')
  vim.cmd('close')
  local problem = require('tagout.server').given_up()
  equal('and gives nothing up', problem, nil)
end

local function killed()
  with({ command = h.server })
  open_again()
  check('a server is there', h.attached(), h.messages)
  h.choices = { 'trust it' }
  vim.cmd('Tagout trust')
  eventually(function() return h.status().trust == 'trusted' end)
  vim.cmd('Tagout mode workspace-write')
  eventually(function() return h.status().mode == 'workspace-write' end)
  vim.cmd('Tagout rewrite $A.unwrap_or(0) => $A.unwrap_or_default()')
  check('a proposal waits', eventually(function() return h.status().pending == 4 end), h.messages)
  local children = vim.api.nvim_get_proc_children(vim.fn.getpid())
  equal('the server is the one process of Neovim', #children, 1)
  -- Held first, so that the review asks for texts that it never gets.
  vim.uv.kill(children[1], 'sigstop')
  vim.cmd('Tagout review')
  local review = vim.api.nvim_get_current_buf()
  vim.uv.kill(children[1], 'sigkill')
  check('it is killed in the middle of a review', eventually(function() return h.status().mode == nil end), h.messages)
  check('it is started again by itself', eventually(function() return h.status().pending == 4 end), { h.status(), h.messages })
  check('the review is there still', vim.api.nvim_buf_is_valid(review) and vim.api.nvim_get_current_buf() == review)
  check('with its hunks', eventually(function()
    return table.concat(vim.api.nvim_buf_get_lines(review, 0, -1, false), '\n'):find('+        let surcharge', 1, true) ~= nil
  end), vim.api.nvim_buf_get_lines(review, 0, -1, false))
  vim.api.nvim_feedkeys('q', 'mx', false)
  vim.cmd('Tagout restart')
  check('after a restart it waits as well', eventually(function() return h.status().mode == nil end)
    and eventually(function() return h.status().pending == 4 end), { h.status(), h.messages })
end

local function restarted_twice()
  local before = clients()[1].id
  vim.cmd('Tagout restart')
  vim.cmd('Tagout restart')
  vim.wait(30, function() return false end)
  vim.cmd('Tagout restart')
  check('restarts on each other start one server', eventually(function()
    return #clients() == 1 and clients()[1].id ~= before and h.status().mode ~= nil
  end), { clients(), h.messages })
  local started = clients()[1].id
  -- Longer than a server has for its end, after which it is killed: nothing may come.
  vim.wait(6000, function() return not clients()[1] or clients()[1].id ~= started end)
  check('which stays', clients()[1] and clients()[1].id == started, h.messages)
  vim.cmd('Tagout restart')
  vim.cmd('Tagout stop')
  check('a stop after a restart is a stop', eventually(function() return #clients() == 0 end))
  h.settle()
  equal('after which nothing is started', #clients(), 0)
  vim.cmd('Tagout restart')
  check('and a restart starts it again', h.attached(), h.messages)
end

--- What the plugin asks of a server that is on its way to its end: nothing.
local function asked_late()
  local client, sent, told, problem = clients()[1], {}, #h.messages, nil
  local request = client.request
  client.request = function(self, method, ...)
    table.insert(sent, method)
    return request(self, method, ...)
  end
  require('tagout.overview').request(client.id)
  equal('the overview is asked of a server that is there', sent, { 'workspace/executeCommand' })
  client:stop()
  require('tagout.overview').request(client.id)
  require('tagout.client').send(client, 'tagout.index')
  require('tagout.content').fetch(client, 'tagout:/c1/0/after/x', function(_, text) problem = text end)
  equal('and nothing of one that was asked to end', sent, { 'workspace/executeCommand' })
  check('a command says so', h.was_told('the server has ended: use :Tagout restart', told), h.messages)
  check('and a text does', eventually(function() return problem == 'the server has ended' end), problem)
  eventually(function() return client.rpc.is_closing() end)
  vim.cmd('Tagout restart')
  check('after a restart it is asked again', h.attached(), h.messages)
end

--- Another Neovim over the same folder, with the same plugin.
local function second_neovim()
  local channel = vim.fn.jobstart({ vim.v.progpath, '--embed', '--headless', '-u', 'NONE', '-i', 'NONE', '-n' }, { rpc = true })
  local function there(code, ...) return vim.rpcrequest(channel, 'nvim_exec_lua', code, { ... }) end
  there([[
    local plugin, server, file = ...
    vim.opt.runtimepath:prepend(plugin)
    vim.g.tagout = { command = server }
    vim.cmd.source(plugin .. '/plugin/tagout.lua')
    vim.cmd('filetype on')
    vim.o.swapfile = false
    vim.cmd.edit(file)
  ]], h.plugin, h.server, rates)
  local function pending() return there([[return (require('tagout').status() or {}).pending]]) end
  check('another Neovim sees what waits', eventually(function() return pending() == 4 end), pending())
  there([[vim.cmd('Tagout reject file')]])
  check('what is rejected there goes here', eventually(function() return h.status().pending == 2 end), h.status())
  vim.cmd('Tagout mode read-only')
  check('the mode that is set here holds there', eventually(function()
    return there([[return require('tagout').status().mode]]) == 'read-only'
  end))
  local said = there([[return vim.fn.execute('messages')]])
  check('neither has an error', not said:find('E%d+:') and not said:find('stack traceback', 1, true), said)
  there([[vim.cmd('Tagout stop')]])
  eventually(function() return there([[return #vim.lsp.get_clients()]]) == 0 end)
  vim.fn.jobstop(channel)
end

h.run({
  { 'the program is missing', missing },
  { 'the program is not executable', not_executable },
  { 'the program cannot be started', no_program },
  { 'the program ends at its start', crashing },
  { 'the program ends at its start in three folders', crashing_thrice },
  { 'the program is old', old },
  { 'the command is configured', configured },
  { 'the settings are wrong', wrong_settings },
  { 'there is no folder', no_folder },
  { 'there are several folders', several_folders },
  { 'a folder is removed', removed_folder },
  { 'the server is killed', killed },
  { 'the server is restarted on and on', restarted_twice },
  { 'the server is ending', asked_late },
  { 'there are two Neovims', second_neovim },
})
h.finish()
